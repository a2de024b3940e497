"""A page in the browser that names what it is given. Only this machine can see it, and it asks no other."""

import argparse
import os
import socket
import sys


def options(words=None):
    """What the command line says; ends the program where the page can't listen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="runs/first")
    parser.add_argument("--port", type=port, default=7860)
    asked = parser.parse_args(words)
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name != "nt")
        try:
            s.bind(("127.0.0.1", asked.port))
        except PermissionError:  # below 1024, as a rule
            sys.exit(f"port {asked.port} is kept by the system: try --port 7860")
        except OSError:
            near = asked.port + (1 if asked.port < 65535 else -1)
            sys.exit(
                f"port {asked.port} is taken, perhaps by a page that still runs: try --port {near}"
            )
    return asked


def port(word):
    if not 1 <= int(word) <= 65535:
        raise argparse.ArgumentTypeError(f"{word} is not from 1 to 65535")
    return int(word)


if __name__ == "__main__":
    options()  # before the imports, which take seconds

os.environ["GRADIO_ANALYTICS_ENABLED"] = (
    "False"  # before the import: nothing is reported to anybody
)
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["NO_PROXY"] = os.environ["no_proxy"] = (
    "127.0.0.1,localhost"  # it looks whether it answers
)

from predict import guesses, load  # noqa: E402

import data  # noqa: E402

try:
    import gradio as gr
    import gradio.processing_utils
except ImportError:
    sys.exit("serve.py needs Gradio, which is not installed: pip install gradio")

LARGEST = 10_000_000  # bytes of an upload


async def no_address(*address, **folder):
    """In place of Gradio's own, which would fetch from the network what a page names by an address."""
    raise gr.Error("An address is no upload: give the file itself.", print_exception=False)


gr.processing_utils.async_ssrf_protected_download = no_address


def make_page(net, saved, title):
    """The page as a gr.Interface: one input, one answer."""

    def answer(given):
        if not given:
            raise gr.Error(f"Give it a {data.ASKS_FOR} first.", print_exception=False)
        try:
            samples = [given] if data.ASKS_FOR == "text" else data.read(given)
            found = guesses(net, saved, samples)
        except (OSError, ValueError) as error:
            said = str(error).replace(str(given), "This file")  # not where it lies here
            raise gr.Error(said, print_exception=False) from None
        if data.ASKS_FOR == "picture":
            return dict(found[0]), samples[0].permute(1, 2, 0).numpy()
        if data.ASKS_FOR == "text":
            return dict(found[0])
        return "\n".join(f"{n}: {best[0][0]} {best[0][1]:.3f}" for n, best in enumerate(found, 1))

    asks, answers = {
        "picture": (
            gr.File(label="a picture"),
            [gr.Label(label="answer"), gr.Image(label="what it saw", buttons=[])],
        ),
        "text": (
            gr.Textbox(label="a text", max_length=getattr(data, "LONGEST", None)),
            gr.Label(label="answer"),
        ),
        "file": (gr.File(label="a file"), gr.Textbox(label="answer, row by row")),
    }[data.ASKS_FOR]
    return gr.Interface(
        answer,
        asks,
        answers,
        title=title,
        flagging_mode="never",
        api_name="name",
        analytics_enabled=False,
    )


def show(page, port=None, **more):
    """Open the page on this port, for this machine alone; without one, on the first that is free."""
    theme = gr.themes.Base(
        font=["system-ui", "sans-serif"], font_mono=["monospace"]
    )  # none fetched
    page.launch(
        server_name="127.0.0.1", server_port=port, share=False, max_file_size=LARGEST,
        show_error=True, theme=theme, ssr_mode=False, footer_links=[], **more,
    )  # fmt: skip


def main(words=None):
    asked = options(words)
    try:
        net, saved = load(asked.run)
    except ValueError as error:
        sys.exit(str(error))
    title = " or ".join(saved["classes"][:5]) + ("?" if len(saved["classes"]) < 6 else ", …?")
    show(make_page(net, saved, title), asked.port)


if __name__ == "__main__":
    main()
