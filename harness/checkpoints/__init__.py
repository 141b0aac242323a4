"""Model folders as tensors: safetensors read without torch, what can be compressed in them, and the packed Q + L·R format."""
