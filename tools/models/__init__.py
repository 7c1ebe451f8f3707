"""Vision language models: any LangChain chat model behind one seam, and what is known of each family.

`Model` (in `model.py`) is what tools ask; `open_model` (in `opening.py`) makes one of a name; `TransformersChatModel`
(in `local.py`) runs a checkpoint in this process.
"""
