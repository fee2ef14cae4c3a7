"""Reads the YAML of deploy/aws, which has CloudFormation's short forms: `!Ref Image` is {"Ref": "Image"}."""

from __future__ import annotations

from typing import Any

import yaml

from rig.amazon import TEMPLATES


class CloudFormation(yaml.SafeLoader):
    """A loader of YAML that knows the short forms."""


def _short_form(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    assert isinstance(node, yaml.ScalarNode)
    return {name: loader.construct_scalar(node)}


CloudFormation.add_multi_constructor("!", _short_form)


def loaded(name: str) -> Any:
    """A file of deploy/aws."""
    return yaml.load((TEMPLATES / name).read_text(), CloudFormation)
