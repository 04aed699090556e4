"""Settings are in pyproject.toml; this file lets tools that call setup.py find them."""

from setuptools import setup

setup()
