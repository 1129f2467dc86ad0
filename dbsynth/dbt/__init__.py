"""What dbt knows of connections and of a project's sources, read from its own files: dbt itself is not imported."""
