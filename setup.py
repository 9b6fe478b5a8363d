"""Build the two C extensions; everything else is in pyproject.toml."""

from setuptools import setup

setup(cffi_modules=["kk99fix/matcher/build_core.py:ffi", "kk99fix/matcher/build_io.py:ffi"])
