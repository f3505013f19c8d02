package library

import "net/url"

// ProductPath is the path of a product's page.
func ProductPath(product string) string { return "/apis/" + url.PathEscape(product) }

// ProductPagePath is the path of a product's own page.
func ProductPagePath(product, page string) string {
	return ProductPath(product) + "/pages/" + url.PathEscape(page)
}

// PagePath is the path of one of the portal's own pages.
func PagePath(page string) string { return "/pages/" + url.PathEscape(page) }

// DocsPath is the path of an API's documentation.
func DocsPath(product, slug string) string {
	return ProductPath(product) + "/docs/" + url.PathEscape(slug)
}

// OperationPath is the path of an operation's documentation. The id is openapi.Operation.ID.
func OperationPath(product, slug, id string) string {
	return DocsPath(product, slug) + "/operations/" + url.PathEscape(id)
}

// SchemaPath is the path of a named schema's documentation.
func SchemaPath(product, slug, name string) string {
	return DocsPath(product, slug) + "/schemas/" + url.PathEscape(name)
}
