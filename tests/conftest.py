"""Spreads over seeds that tests have measured are printed at the end of the run."""


def pytest_terminal_summary(terminalreporter):
    told = [
        f"{name}: {text}"
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, text in getattr(report, "user_properties", [])
        if getattr(report, "when", "") == "call"
    ]
    if told:
        terminalreporter.section("spread over ten seeds")
        for line in sorted(told):
            terminalreporter.write_line(line)
