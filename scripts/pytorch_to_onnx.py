#!/usr/bin/env python3
"""Exports small models by PyTorch's own exporters (TorchScript and dynamo) and records what PyTorch computes with them, in float64:
test/onnx/pytorch-models.test.ts imports each and compares. The models stand in pytorch_to_onnx_*.py beside this file. It writes
test/recorded/onnx/NAME.onnx, without the exporter's notes, and a line of JSON for each model in pytorch-models.jsonl beside them.
Recorded with PyTorch 2.13.0, onnx 1.23.1 and onnxscript 0.7.2:

    pip install torch onnx onnxscript
    python3 scripts/pytorch_to_onnx.py [NAME...]

What goes in is not recorded. Number i of input j is ((i * 7919 + 101 * j) % 997) / 498.5 - 1, or for whole numbers
(i * 7919 + 101 * j) % below, or written out.
"""

import copy
import io
import json
import logging
import sys
import warnings
from pathlib import Path

import onnx
import torch
from pytorch_to_onnx_cases import Of, models

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
folder = Path(__file__).resolve().parent.parent / "test" / "recorded" / "onnx"
# Each registers its models.
for part in ("recurrent", "convolution", "models", "functions", "ways"):
    __import__(f"pytorch_to_onnx_{part}")


def tensor(spec, j, dtype=torch.float64):
    if isinstance(spec, tuple):
        size = torch.Size(spec).numel()
        return torch.tensor([((i * 7919 + 101 * j) % 997) / 498.5 - 1 for i in range(size)], dtype=torch.float64).to(dtype).reshape(spec)
    if "data" in spec:
        return torch.tensor(spec["data"]).reshape(spec["shape"])
    size = torch.Size(spec["shape"]).numel()
    return torch.tensor([(i * 7919 + 101 * j) % spec["below"] for i in range(size)]).reshape(spec["shape"])


def flat(result):
    if isinstance(result, torch.Tensor):
        return [result]
    return [one for part in result for one in flat(part)]


def stripped(proto):
    """Without what the exporter notes about where a node comes from: files of this machine, and most of the bytes."""
    def strip(graph):
        for part in [graph, *graph.node, *graph.initializer, *graph.input, *graph.output]:
            part.doc_string = ""
            del part.metadata_props[:]
        del graph.value_info[:]
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    strip(attribute.g)

    strip(proto.graph)
    for function in proto.functions:
        function.doc_string = ""
        del function.metadata_props[:]
        del function.value_info[:]
        for node in function.node:
            node.doc_string = ""
            del node.metadata_props[:]
    del proto.metadata_props[:]
    proto.doc_string = ""
    return proto


def export(module, args, names, exporter, opset, dynamic, outputs, options):
    if exporter == "dynamo":
        shapes = None
        if dynamic:
            lengths = {}
            shapes = tuple({axis: lengths.setdefault(length, torch.export.Dim(length)) for axis, length in dynamic.get(name, {}).items()}
                           for name in names)
            if isinstance(module, Of):
                shapes = (shapes,)
        program = torch.onnx.export(module, args, dynamo=True, opset_version=opset, dynamic_shapes=shapes, verbose=False,
                                    input_names=names, output_names=list(outputs))
        return program.model_proto
    buffer = io.BytesIO()
    torch.onnx.export(module, args, buffer, dynamo=False, opset_version=opset, dynamic_axes=dynamic, input_names=names,
                      output_names=list(outputs), **options)
    return onnx.load_from_string(buffer.getvalue())


def plain(value):
    data = value.flatten().tolist()
    return dict(shape=list(value.shape), data=[round(x, 6) if isinstance(x, float) else int(x) for x in data])


def record(name, make, exporter, opset, cases, dynamic, outputs, options):
    torch.manual_seed(sum(map(ord, name)))
    # In evaluation all of an attention is one operator of PyTorch's own, which is not exported.
    torch.backends.mha.set_fastpath_enabled(False)
    module = make().eval()
    dtype = next((getattr(torch, name) for name in ("float16", "float64", "bfloat16") if options.get(name)), torch.float32)
    module = module.to(dtype)
    names = list(cases[0])
    args = tuple(tensor(spec, j, dtype) for j, spec in enumerate(cases[0].values()))
    with torch.no_grad():
        exact = (module if isinstance(module, torch.jit.ScriptModule) else copy.deepcopy(module)).to(torch.float64)
        results = [flat(exact(*(tensor(spec, j) for j, spec in enumerate(case.values())))) for case in cases]
        module = exact.to(dtype)
        proto = stripped(export(module, args, names, exporter, opset, dynamic, outputs, options.get("export", {})))
    data = proto.SerializeToString()
    (folder / f"{name}.onnx").write_bytes(data)
    described = []
    for case, values in zip(cases, results):
        inputs = {key: dict(shape=list(spec)) if isinstance(spec, tuple) else spec for key, spec in case.items()}
        described.append(dict(inputs=inputs, outputs={o.name: plain(value) for o, value in zip(proto.graph.output, values)}))
    assert len(results[0]) == len(proto.graph.output), (len(results[0]), [o.name for o in proto.graph.output])
    opset = next(one.version for one in proto.opset_import if one.domain == "")
    return len(data), dict(name=name, exporter=exporter, opset=opset, operators=sorted({n.op_type for n in proto.graph.node}), cases=described)


def main():
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pytorch-models.jsonl"
    before = {}
    if path.exists():
        before = {line["name"]: line for line in map(json.loads, path.read_text().splitlines())}
    chosen = sys.argv[1:]
    total = 0
    for name, *rest in models:
        if chosen and name not in chosen:
            continue
        try:
            size, line = record(name, *rest)
        except Exception as error:  # The others are still worth recording.
            print(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:200]}", file=sys.stderr)
            continue
        before[name] = line
        total += size
        print(f"{name}: {size} bytes, opset {line['opset']}, {', '.join(line['operators'])}", file=sys.stderr)
    lines = [json.dumps(before[name], separators=(",", ":")) for name, *_ in models if name in before]
    path.write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} models, {total} bytes in files", file=sys.stderr)


main()
