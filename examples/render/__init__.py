"""The renderer of the sample photos.

`artwork` prints flat sheets (packs, labels, papers, signs) that remember what is written where;
`camera`, `scene`, `things`, `hand` and `lens` photograph them; `photos_*` compose the shots; `record`
writes files and truth. Nothing of Sightline is imported here.
"""
