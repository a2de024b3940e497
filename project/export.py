"""Write the network as files that run without model.py, prove them equal, and time each way to run it.

model.pt2 is PyTorch's own form (torch.export), model.onnx runs in ONNX Runtime: on phones, in browsers, in C++.
"""

import argparse
import contextlib
import csv
import io
import logging
import sys
import time
import warnings

import torch
from predict import HERE, load
from torch.export import Dim


def inputs(saved, net, n):
    """n made-up inputs for the whole network."""
    draw = torch.Generator().manual_seed(0)
    if saved["shape"] == [1280]:  # a body stands before the head: pictures
        return torch.randint(0, 256, (n, 3, 96, 96), generator=draw).to(torch.uint8)
    return torch.randn(n, *saved["shape"], generator=draw)


def export(net, example, folder):
    """Write model.pt2 and, where the packages are there, model.onnx; gives the ways to run it by name."""
    ways = {"eager": net}
    program = torch.export.export(net, (example,), dynamic_shapes=({0: Dim("N")},))
    torch.export.save(program, folder / "model.pt2")
    ways["torch.export"] = torch.export.load(folder / "model.pt2").module()
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  (torch.onnx needs it)
        from onnxruntime.quantization import quantize_dynamic
    except ImportError as error:
        print(f"no ONNX: {error.name} is not installed (pip install onnx onnxscript onnxruntime)")
        return ways
    file, small = folder / "model.onnx", folder / "model.int8.onnx"
    logging.disable(logging.WARNING)  # both have much to say
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(program, f=file, dynamo=True, external_data=False, verbose=False)
        quantize_dynamic(file, small, op_types_to_quantize=["MatMul", "Gemm"])
    logging.disable(logging.NOTSET)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()  # no more than PyTorch has: a fair race
    for name, written in (("ONNX Runtime", file), ("ONNX int8", small)):
        session = onnxruntime.InferenceSession(written, options, ["CPUExecutionProvider"])
        ways[name] = runner(session)
    return ways


def runner(session):
    name = session.get_inputs()[0].name
    return lambda X: torch.from_numpy(session.run(None, {name: X.numpy()})[0])


def compiled(net, example):
    """torch.compile's version of the network; None, and a line that says why, where that can't be had."""
    logging.disable(logging.WARNING)
    try:
        quick = torch.compile(net)
        with torch.inference_mode():
            quick(example)
        return quick
    except Exception as error:  # no C++ compiler, a system that is not supported
        why = type(error).__name__
        print(f"no torch.compile ({why}): as a rule no C++ compiler is on the PATH: install g++")
        return None
    finally:
        logging.disable(logging.NOTSET)


def quickest(run, seconds=0.3):
    """The shortest of several runs, in milliseconds: others can make a run longer, never shorter."""
    run()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - begin))
    return min(times)


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="runs/first")
    parser.add_argument(
        "--compile", action="store_true", help="also torch.compile: a minute of waiting"
    )
    asked = parser.parse_args(words)
    try:
        net, saved = load(asked.run)
    except ValueError as error:
        sys.exit(str(error))
    batches = [inputs(saved, net, n) for n in (2, 1, 32)]
    ways = export(net, batches[0], HERE / asked.run)
    if asked.compile and (quick := compiled(net, batches[0])):
        ways["torch.compile"] = quick
    rows = []
    with torch.inference_mode():
        for name, run in ways.items():
            gap = max((run(X) - net(X)).abs().max().item() for X in batches)
            one, many = (quickest(lambda run=run, X=X: run(X)) for X in batches[1:])
            rows.append(
                {"way": name, "largest difference": gap, "ms for 1": one, "ms for 32": many}
            )
            print(f"{name:14} off by {gap:.1e}   {one:8.2f} ms for 1   {many:8.2f} ms for 32")
    with open(HERE / asked.run / "latency.csv", "w", newline="", encoding="utf-8") as f:
        table = csv.DictWriter(f, rows[0])
        table.writeheader()
        table.writerows(rows)
    exact = [row["largest difference"] for row in rows if row["way"] != "ONNX int8"]
    return int(max(exact) > 1e-5)


if __name__ == "__main__":
    sys.exit(main())
