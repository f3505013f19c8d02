// Package folder reads catalog folders: files in which operators describe their products, on this
// machine or in S3. The files are hostile until they are checked: Read leaves out a product with an
// error, names each fault with file, line and what to change, and never reads outside the folder.
// docs/catalog.md describes the format.
package folder

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// maxProblems is how many problems Read returns for each product and for the portal's
// pages.
const maxProblems = 50

// Read reads a catalog folder. Faults in files are among the Problems, and an error in a product
// leaves out only that product. The error of Read means that the folder as a whole cannot be read,
// and says what to change.
func Read(fsys fs.FS) (catalog.Folder, error) { return read(fsys, &documents{}) }

func read(fsys fs.FS, docs *documents) (catalog.Folder, error) {
	files, err := list(fsys)
	if err != nil {
		return catalog.Folder{}, err
	}
	r := &reader{files: files, documents: docs, ids: map[string]string{}}
	r.folder.Blobs, r.folder.MeantEmpty = map[string][]byte{}, files.meantEmpty
	r.reportLoose()
	products, err := r.products()
	if err != nil {
		return catalog.Folder{}, err
	}
	if err := r.portalPages(); err != nil {
		return catalog.Folder{}, err
	}
	crossCheck(products)
	for _, p := range products {
		r.add(p)
	}
	docs.forgetUnused()
	return r.folder, nil
}

type reader struct {
	files     *files
	documents *documents
	ids       map[string]string
	folder    catalog.Folder
}

func (r *reader) reportLoose() {
	for _, name := range r.files.loose {
		if name == "product.yaml" || name == "product.yml" {
			r.report(name, warningf(0, "Gatehouse reads products from folders. Move this file and what belongs to it into a folder with the product's name."))
		}
	}
	if r.files.meantEmpty && slices.ContainsFunc(r.files.folders, func(name string) bool { return name != catalog.PagesFolder }) {
		r.report(catalog.EmptyMark, warningf(0, "This file says that the catalog folder is meant to have no products, but it has folders of products. Remove the file, so that the portal notices if all of them are deleted by mistake."))
	}
	for _, name := range sortedKeys(r.files.refused) {
		if !strings.Contains(name, "/") {
			r.report(name, faultf(0, "%s %s.", name, r.files.refused[name]))
		}
	}
}

func (r *reader) report(where string, faults ...fault) {
	r.folder.Problems = append(r.folder.Problems, problems(where, faults)...)
}

func problems(where string, faults []fault) (all []catalog.Problem) {
	for _, f := range faults {
		all = append(all, catalog.Problem{Where: where, Line: f.line, Text: f.text, Warning: f.warning})
	}
	return all
}

// products reads every product folder. It checks links between products once all are known.
func (r *reader) products() ([]*product, error) {
	var products []*product
	for _, name := range r.files.folders {
		if name == catalog.PagesFolder {
			continue
		}
		p := &product{reader: r, name: name, blobs: map[string][]byte{}}
		if err := p.readDescription(); err != nil {
			return nil, err
		}
		r.ids[name] = p.spec.ID
		products = append(products, p)
	}
	for _, p := range products {
		if err := p.readContents(); err != nil {
			return nil, err
		}
	}
	return products, nil
}

func (r *reader) productFile(folder string) string {
	for _, name := range []string{"product.yaml", "product.yml"} {
		file := folder + "/" + name
		if r.files.known[file] || r.files.reason(file) != "" {
			return file
		}
	}
	return ""
}

func (r *reader) add(p *product) {
	slices.SortStableFunc(p.problems, func(a, b catalog.Problem) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Line, b.Line))
	})
	r.folder.Problems = append(r.folder.Problems, atMost(p.problems, p.name)...)
	if p.broken {
		r.folder.Broken = append(r.folder.Broken, p.name)
		return
	}
	r.folder.Products = append(r.folder.Products, p.described)
	maps.Copy(r.folder.Blobs, p.blobs)
}

func atMost(all []catalog.Problem, where string) []catalog.Problem {
	if len(all) <= maxProblems {
		return all
	}
	more := len(all) - maxProblems + 1
	return append(all[:maxProblems-1:maxProblems-1], catalog.Problem{
		Where: where, Text: fmt.Sprintf("There are %d more problems. Correct the others first.", more),
		Warning: !slices.ContainsFunc(all[maxProblems-1:], func(p catalog.Problem) bool { return !p.Warning }),
	})
}

func (r *reader) portalPages() error {
	p := &product{reader: r, name: catalog.PagesFolder, blobs: r.folder.Blobs}
	pages, err := p.readPages(catalog.PagesFolder)
	if err != nil {
		return err
	}
	if why := r.files.crowded[catalog.PagesFolder]; why != "" {
		p.report(catalog.PagesFolder, faultf(0, "%s", why))
	}
	r.folder.Pages, r.folder.Files = pages, p.described.Product.Files
	r.folder.Problems = append(r.folder.Problems, atMost(p.problems, p.name)...)
	return nil
}

var pageName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

func place(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 9999 {
		return 0
	}
	return n
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func titled(name string) string {
	text := strings.ReplaceAll(name, "-", " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// pathIn resolves a path in product.yaml. ok is false if it leaves the product's folder.
func pathIn(folder, name string) (file string, ok bool) {
	if strings.HasPrefix(name, "/") || strings.Contains(name, `\`) {
		return "", false
	}
	file = path.Join(folder, name)
	return file, strings.HasPrefix(file, folder+"/") && fs.ValidPath(file)
}
