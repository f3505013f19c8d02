package branding

import _ "embed"

// Schema is the JSON Schema of branding.yaml, for editors.
//
//go:embed schema.json
var Schema []byte
