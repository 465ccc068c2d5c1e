"""An example that leaves arguments out by ``...``, with them."""

from __future__ import annotations

import ast
from collections.abc import Mapping

#: What a reader puts in the place of ``...``.
LEFT_OUT: Mapping[str, Mapping[str, str]] = {
    "verify_numbers": {
        "numbers": "s3://my-bucket/numbers.txt",
        "destination_uri": "s3://my-bucket/lists/",
        "results_uri": "s3://my-bucket/results/",
    },
    "EkycResultsToS3Operator": {
        "task_id": "land",
        "ekyc_task_id": "d4g24nep2jvh04o9uoh0",
        "s3_key": "s3://my-bucket/results/{{ ds }}",
    },
}


class _Completer(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if any(isinstance(each, ast.Constant) and each.value is ... for each in node.args):
            assert isinstance(node.func, ast.Name)
            given = {each.arg for each in node.keywords}
            node.args = []
            node.keywords += [
                ast.keyword(name, ast.Constant(value))
                for name, value in LEFT_OUT[node.func.id].items()
                if name not in given
            ]
        return node


def completed(code: str, name: str) -> ast.Module:
    """
    Parse an example and put arguments where it has ``...`` as the first one.

    :param code: the example
    :param name: for its tracebacks
    """
    return ast.fix_missing_locations(_Completer().visit(ast.parse(code, name)))
