"""Whether a file of rows (CSV, parquet, SQL) holds rows of the source of a model: what can be said by a model alone.

A model holds no row, but filters that know one when they see one (``values.guard``, ``pipeline.known``): they say yes
to all that was there, and by chance to some of what was not. One yes says nothing; seven of seven say a great deal.

``reading``: files as columns of texts · ``witnesses``: what a model can be asked · ``check``: whether it is chance."""
