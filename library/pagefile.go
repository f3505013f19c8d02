package library

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/portal"
)

var errNoFile = portal.Fail(portal.NotFound, "There is no such file.")

// PageFile returns an image in a product's Markdown, by its catalog.File.Name. With product ""
// the image is in the portal's own pages.
func (s *Shelf) PageFile(ctx context.Context, product, name string) (File, error) {
	files := s.Files
	if product != "" {
		found, err := s.Product(product)
		if err != nil {
			return File{}, err
		}
		files = found.Files
	}
	for _, file := range files {
		if file.Name == name {
			body, err := s.file(ctx, file.Hash)
			return File{Body: body, Type: file.Type, Hash: file.Hash}, err
		}
	}
	return File{}, errNoFile
}
