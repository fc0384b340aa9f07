"""The programs of the library, compiled for an H100 and a TPU v5e without such a device."""
