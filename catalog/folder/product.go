package folder

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

type product struct {
	reader *reader
	name   string
	file   string // product.yaml
	spec   spec
	lines  mapping

	described catalog.Described
	blobs     map[string][]byte
	problems  []catalog.Problem
	broken    bool
}

func (p *product) report(where string, faults ...fault) {
	p.problems = append(p.problems, problems(where, faults)...)
	for _, f := range faults {
		p.broken = p.broken || !f.warning
	}
}

func (p *product) fail(at []string, format string, args ...any) {
	p.report(p.file, faultf(p.lines.line(at...), format, args...))
}

func at(path ...string) []string { return path }

func (p *product) keep(data []byte) (hash string) {
	hash = catalog.HashOf(data)
	p.blobs[hash] = data
	return hash
}

func (p *product) readDescription() error {
	p.spec.ID = p.name
	if why := p.reader.files.crowded[p.name]; why != "" {
		p.report(p.name, faultf(0, "%s", why))
	}
	if p.file = p.reader.productFile(p.name); p.file == "" {
		p.file = p.name + "/product.yaml"
		p.report(p.file, faultf(0, "The folder has no product.yaml. Add one, or begin the folder's name with \"_\" to have it ignored."))
		return nil
	}
	if other := p.name + "/product.yml"; other != p.file && p.reader.files.known[other] {
		p.report(other, faultf(0, "The folder has product.yaml and product.yml. Remove one of them."))
	}
	data, because, err := p.reader.files.load(p.file, maxYAML)
	if because != nil || err != nil {
		p.reportIf(p.file, because)
		return err
	}
	read, lines, faults := parseSpec(data)
	p.spec, p.lines = read, lines
	p.report(p.file, faults...)
	if p.spec.ID == "" {
		p.spec.ID = p.name
		if !pageName.MatchString(p.name) {
			p.report(p.file, faultf(0, "The folder's name %s cannot be the product's id. Rename the folder to lower-case letters, digits and hyphens, or add an id.", clip(p.name)))
		}
	}
	if p.spec.ID == catalog.PagesFolder {
		p.fail(at("id"), "The id %s is taken by the portal's own pages. Use another one.", catalog.PagesFolder)
	}
	return nil
}

func (p *product) reportIf(where string, because *fault) {
	if because != nil {
		p.report(where, *because)
	}
}

func (p *product) readContents() error {
	p.described.Path, p.described.Product = p.name, p.spec.product()
	p.checkSunset()
	p.describePlans()
	if err := p.describeAPIs(); err != nil {
		return err
	}
	if err := p.readImage(); err != nil {
		return err
	}
	return p.readArticles()
}

func (p *product) checkSunset() {
	if p.spec.Sunset == "" {
		return
	}
	if _, err := time.Parse(time.DateOnly, p.spec.Sunset); err != nil {
		p.fail(at("sunset"), "sunset is %s, which is not a day of the calendar. Correct it.", clip(p.spec.Sunset))
	}
}

func (p *product) describePlans() {
	recommended := false
	claimed := map[string]bool{}
	for i, plan := range p.spec.Plans {
		where := at("plans", strconv.Itoa(i))
		key := "id " + string(plan.ID)
		if plan.ID == "" {
			key = "name " + plan.Name
		}
		if claimed[key] {
			p.fail(where, "The plan with the %s is in this list twice. Remove one of the two.", quoted(key))
			continue
		}
		claimed[key] = true
		if plan.Recommended && recommended {
			p.report(p.file, warningf(p.lines.line(child(where, "recommended")...), "Two plans are recommended. Recommend one only."))
		}
		recommended = recommended || plan.Recommended
		p.checkListing(plan, where)
		p.described.Plans = append(p.described.Plans, plan.described(p.lines.line(where...)))
	}
}

func quoted(key string) string {
	word, value, _ := strings.Cut(key, " ")
	return word + " " + clip(value)
}

func (p *product) describeAPIs() error {
	slugs, stages := map[string]bool{}, map[string]bool{}
	for i, a := range p.spec.APIs {
		where := at("apis", strconv.Itoa(i))
		described := a.described(p.lines.line(where...))
		if a.OpenAPI != "" {
			document, err := p.document(a.OpenAPI, child(where, "openapi"))
			if err != nil {
				return err
			}
			if document.body != nil {
				described.Definition = p.keep(document.body)
			}
			if described.Title == "" && !a.onAPIGateway() {
				described.Title = cmp.Or(document.title, p.spec.Name)
			}
		}
		if described.Slug == "" && !a.onAPIGateway() {
			described.Slug = slugOf(described.Title)
		}
		if slug := described.Slug; slug != "" && slugs[slug] {
			p.fail(where, "Two APIs of this product have the slug %s. Give this one another slug.", slug)
		}
		slugs[described.Slug] = true
		if stage := a.ID + "\x00" + a.Name + "\x00" + a.Stage; a.onAPIGateway() {
			if stages[stage] {
				p.fail(where, "This stage is in the list twice. Remove one of the two.")
			}
			stages[stage] = true
		}
		p.described.APIs = append(p.described.APIs, described)
	}
	return nil
}

// document reads an OpenAPI document. Its body is nil after a problem.
func (p *product) document(name string, where []string) (*definition, error) {
	file, data, err := p.referred(name, where, maxOpenAPI)
	if data == nil || err != nil {
		return &definition{}, err
	}
	checked := p.reader.documents.check(data)
	if !p.reported(file) {
		p.report(file, checked.faults...)
	}
	return checked, nil
}

// referred reads a file that product.yaml names. Data is nil after a problem.
func (p *product) referred(name string, where []string, limit int64) (file string, data []byte, err error) {
	file, ok := pathIn(p.name, name)
	if !ok {
		p.fail(where, "The path %s leads out of the product's folder. Put the file into the folder, and write its path from there.", clip(name))
		return file, nil, nil
	}
	files := p.reader.files
	if reason := files.reason(file); reason != "" {
		p.fail(where, "%s %s.", clip(name), reason)
		return file, nil, nil
	}
	if !files.known[file] {
		p.fail(where, "There is no file %s. Add it, or correct the path.%s", clip(name), p.similar(name))
		return file, nil, nil
	}
	data, because, err := files.load(file, limit)
	p.reportIf(file, because)
	return file, data, err
}

func (p *product) similar(name string) string {
	var names []string
	for file := range p.reader.files.known {
		if within, ok := strings.CutPrefix(file, p.name+"/"); ok {
			names = append(names, within)
		}
	}
	slices.Sort(names)
	if meant := nearest(path.Clean(name), names); meant != "" {
		return " Did you mean " + meant + "?"
	}
	return ""
}

func (p *product) readImage() error {
	if p.spec.Image == nil {
		return nil
	}
	file, data, err := p.referred(p.spec.Image.File, at("image", "file"), maxImage)
	if data == nil || err != nil {
		return err
	}
	mediaType, because := checkImage(file, data)
	if p.reportIf(file, because); because == nil {
		p.described.Product.Image = &catalog.Image{Hash: p.keep(data), Type: mediaType, Alt: p.spec.Image.Alt}
	}
	return nil
}

func slugOf(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	slug := b.String()
	if len(slug) > 63 {
		slug = slug[:63]
	}
	return cmp.Or(strings.Trim(slug, "-"), "api")
}
