"""HTTP as every handler shares it: strict requests, problems, OpenAPI, uploads, conditional answers."""
