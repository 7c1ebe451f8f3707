"""Machines that people have, and the servers on them."""

from dataclasses import replace

from sightline.tools.models.machine import Gpu, Machine, Server

OLLAMA = "http://127.0.0.1:11434/v1"
SERVER = Server("Ollama", OLLAMA, ("llama3:8b", "qwen3-vl:4b"))
LAPTOP = Machine(None, 8.0, 100.0, ())
WITH_OLLAMA = replace(LAPTOP, servers=(replace(SERVER, models=("llama3:8b",)),))
SERVED = replace(LAPTOP, servers=(SERVER,))
WITH_GPU = Machine(Gpu("NVIDIA RTX 4070", 11.5), 24.0, 100.0, ())
