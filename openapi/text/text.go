// Package text is a stub.
package text

import "github.com/gatehouse-portal/gatehouse/openapi"

func Document(doc *openapi.Document, base string) string { return "# " + doc.Title + "\n" }
func Operation(doc *openapi.Document, op *openapi.Operation, base string) string {
	return "# " + op.Method + " " + op.Path + "\n"
}
func Schema(doc *openapi.Document, name string) string { return "# " + name + "\n" }
