package catalog

import (
	"net/url"
	"path"
	"strings"
)

// Address returns where the portal shows the target of a relative link in Markdown. from is the
// file with the link, as a path in the catalog folder. In "seamark/overview.md" the link
// "pages/errors.md#limits" leads to "/apis/seamark/pages/errors#limits". An image's address ends
// in its File.Name, below "/apis/{product}/files/" or "/pages/files/". ok is false for links that
// are not relative, and for files that the document lacks.
func (d Document) Address(from, link string) (address string, ok bool) {
	to, fragment, ok := LinkedFile(from, link)
	if !ok {
		return "", false
	}
	folder, name, _ := strings.Cut(to, "/")
	if folder == PagesFolder {
		address, ok = shown("/pages", name, d.Pages, d.Files, "")
	} else if i := d.index(folder); i >= 0 {
		address, ok = d.Products[i].shows(name)
	} else {
		return "", false
	}
	return address + fragment, ok
}

// PagesFolder is the folder of the portal's own pages. No product can have this id.
const PagesFolder = "pages"

// LinkedFile returns the file that a relative link leads to, and the link's fragment with its
// "#". ok is false for a link that is not relative or leaves the catalog folder.
func LinkedFile(from, link string) (file, fragment string, ok bool) {
	target, err := url.Parse(link)
	if err != nil || target.Scheme != "" || target.Host != "" || target.Path == "" || strings.HasPrefix(target.Path, "/") {
		return "", "", false
	}
	file = path.Join(path.Dir(from), target.Path)
	if file == ".." || strings.HasPrefix(file, "../") {
		return "", "", false
	}
	if target.Fragment != "" {
		fragment = "#" + target.EscapedFragment()
	}
	return file, fragment, true
}

func (d Document) index(id string) int {
	for i, product := range d.Products {
		if product.ID == id {
			return i
		}
	}
	return -1
}

func (p Product) shows(name string) (address string, ok bool) {
	base := "/apis/" + p.ID
	switch name {
	case "", "overview.md", "product.yaml", "product.yml":
		return base, true
	case "changelog.md":
		return base + "/changelog", p.Changelog != ""
	}
	return shown(base, name, p.Pages, p.Files, PagesFolder+"/")
}

func shown(base, name string, pages []Page, files []File, inFolder string) (address string, ok bool) {
	if page, isPage := strings.CutPrefix(name, inFolder); isPage {
		for _, p := range pages {
			if p.Name+".md" == page {
				if inFolder == "" {
					return base + "/" + p.Name, true
				}
				return base + "/pages/" + p.Name, true
			}
		}
	}
	for _, f := range files {
		if f.Name == name {
			return base + "/files/" + (&url.URL{Path: name}).EscapedPath(), true
		}
	}
	return "", false
}
