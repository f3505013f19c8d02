package folder

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

func (p *product) readArticles() error {
	for name, of := range map[string]struct {
		hash  *string
		title string
	}{
		"overview.md":  {&p.described.Product.Overview, p.described.Product.Name},
		"changelog.md": {&p.described.Product.Changelog, "Changelog"},
	} {
		file := p.name + "/" + name
		if !p.reader.files.known[file] && p.reader.files.reason(file) == "" {
			continue
		}
		_, stored, err := p.readArticle(file, func(heading string) bool { return strings.EqualFold(heading, of.title) })
		if err != nil {
			return err
		}
		*of.hash = stored
	}
	pages, err := p.readPages(p.name + "/" + catalog.PagesFolder)
	p.described.Product.Pages = pages
	return err
}

func (p *product) readPages(folder string) ([]catalog.Page, error) {
	type ordered struct {
		catalog.Page
		order int
	}
	var all []ordered
	for _, name := range p.reader.files.in(folder) {
		file, base := path.Join(folder, name), strings.TrimSuffix(name, ".md")
		switch {
		case strings.EqualFold(path.Ext(name), ".markdown") || (base == name && strings.EqualFold(path.Ext(name), ".md")):
			p.report(file, faultf(0, "The name of a page must end in .md. Rename the file."))
			continue
		case base == name:
			continue
		case !pageName.MatchString(base):
			p.report(file, faultf(0, "A page's name is part of its address. Rename the file to lower-case letters, digits and hyphens, such as getting-started.md."))
			continue
		}
		a, hash, err := p.readArticle(file, func(string) bool { return true })
		if err != nil {
			return nil, err
		}
		if hash != "" {
			all = append(all, ordered{catalog.Page{Name: base, Title: cmp.Or(a.title, titled(base)), Hash: hash}, a.order})
		}
	}
	for _, name := range sortedKeys(p.reader.files.refused) {
		if path.Dir(name) == folder {
			p.report(name, faultf(0, "%s %s.", path.Base(name), p.reader.files.refused[name]))
		}
	}
	slices.SortStableFunc(all, func(a, b ordered) int {
		return cmp.Compare(uint(a.order)-1, uint(b.order)-1) // 0 comes last
	})
	var pages []catalog.Page
	for _, page := range all {
		pages = append(pages, page.Page)
	}
	return pages, nil
}

// readArticle reads a Markdown file and its images; shown is as for parseArticle. The hash is "" if
// the file cannot be used.
func (p *product) readArticle(file string, shown func(heading string) bool) (article, string, error) {
	data, because, err := p.reader.files.load(file, maxMarkdown)
	if because != nil || err != nil {
		p.reportIf(file, because)
		return article{}, "", err
	}
	source, because := plainText(data)
	if because != nil {
		p.report(file, *because)
		return article{}, "", nil
	}
	a, faults := parseArticle(source, shown)
	p.report(file, faults...)
	for _, l := range a.links {
		image, because := p.reader.checkLink(file, l)
		p.reportIf(file, because)
		if image != "" {
			if err := p.keepFile(image); err != nil {
				return article{}, "", err
			}
		}
	}
	if slices.ContainsFunc(faults, func(f fault) bool { return !f.warning }) {
		return article{}, "", nil
	}
	if strings.TrimSpace(a.body) == "" {
		p.report(file, warningf(0, "The file has no text besides its title, so it is not shown. Write the text, or remove the file."))
		return article{}, "", nil
	}
	return a, p.keep([]byte(a.body)), nil
}

func (p *product) keepFile(file string) error {
	name := strings.TrimPrefix(file, p.name+"/")
	kept := &p.described.Product.Files
	if slices.ContainsFunc(*kept, func(f catalog.File) bool { return f.Name == name }) || p.reported(file) {
		return nil
	}
	data, because, err := p.reader.files.load(file, maxImage)
	if because != nil || err != nil {
		p.reportIf(file, because)
		return err
	}
	mediaType, because := checkImage(file, data)
	if because != nil {
		p.report(file, *because)
		return nil
	}
	*kept = append(*kept, catalog.File{Name: name, Hash: p.keep(data), Type: mediaType})
	slices.SortFunc(*kept, func(a, b catalog.File) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func (p *product) reported(file string) bool {
	return slices.ContainsFunc(p.problems, func(problem catalog.Problem) bool { return problem.Where == file })
}
