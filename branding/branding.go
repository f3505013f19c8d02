// Package branding reads and checks the folder with which an operator brands the portal: name,
// logo, colours, links and texts. Above all it checks that people can read the colours. It
// serves nothing; web does.
package branding

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

const fileName = "branding.yaml"

const (
	maxFile     = 64 << 10
	maxImage    = 256 << 10
	maxFragment = 64 << 10
)

// Branding is what a folder says. The zero value is the portal's own look. It is immutable.
type Branding struct {
	// Tagline is the sentence of the home page. "" is the default.
	Name, Tagline string
	// LogoContainsName keeps pages from repeating the name beside the logo.
	LogoContainsName bool
	// Logo, LogoDark, Favicon and Stylesheet are names of Files, or "". LogoDark replaces
	// Logo in dark mode. Stylesheet is loaded after the portal's own.
	Logo, LogoDark, Favicon, Stylesheet string
	// Action is the first button of the home page; zero is the default.
	Action                 Link
	Footer                 []Link
	Terms, Privacy, Status string
	// HomeTop and Home are Markdown for the home page's top and bottom, or "".
	HomeTop, Home string
	// Files are what pages load. A name contains a hash of the content.
	Files map[string]File
}

// File is an image or the stylesheet. Type is its media type.
type File struct {
	Type string
	Body []byte
}

// Load reads and checks a folder. own is the palette of the portal's stylesheet. The error is
// Faults, or says that the folder cannot be read.
func Load(dir string, own Palette) (*Branding, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("the branding folder %s does not exist", dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("the branding folder %s cannot be read: %w", dir, withoutPath(err))
	}
	defer root.Close()
	l := loader{root: root, branding: &Branding{Files: map[string]File{}}}
	source, ok := l.read(fileName, maxFile)
	if !ok && len(l.faults) == 0 {
		return nil, Faults{fmt.Sprintf("%s: the file is missing; create it in %s", fileName, dir)}
	}
	said, faults := parse(source)
	l.faults = append(l.faults, faults...)
	l.take(said, own)
	l.images()
	l.misplaced()
	l.branding.HomeTop, l.branding.Home = l.fragment("home-top.md"), l.fragment("home.md")
	if len(l.faults) > 0 {
		return nil, l.faults
	}
	return l.branding, nil
}

// loader reads a folder's files. os.Root keeps symbolic links inside it.
type loader struct {
	root     *os.Root
	branding *Branding
	faults   Faults
}

func (l *loader) fail(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// read returns a file; ok is false if it does not exist or is unusable, which is then a fault.
func (l *loader) read(name string, most int64) (body []byte, ok bool) {
	f, err := l.root.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, false
	}
	if err != nil {
		l.fail("%s: the file cannot be read: %v", name, withoutPath(err))
		return nil, false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		l.fail("%s: this is not a file", name)
		return nil, false
	}
	body, err = io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		l.fail("%s: the file cannot be read: %v", name, withoutPath(err))
	case int64(len(body)) > most:
		l.fail("%s: the file is larger than %d KB; make it smaller", name, most>>10)
	default:
		return body, true
	}
	return nil, false
}

func (l *loader) take(said file, own Palette) {
	b := l.branding
	b.Name, b.Tagline, b.LogoContainsName = said.name, said.tagline, said.logoContainsName
	b.Action, b.Footer, b.Terms, b.Privacy, b.Status = said.action, said.footer, said.terms, said.privacy, said.status
	themed := palette(own, said.light, said.dark)
	for _, fault := range append(contrastFaults(own.Light, said.light, "light"), contrastFaults(own.Dark, said.dark, "dark")...) {
		l.fail("%s: %s", fileName, fault)
	}
	if len(said.light) == 0 && len(said.dark) == 0 {
		return
	}
	b.Stylesheet = l.add(fileOf("branding.css", "text/css; charset=utf-8", []byte(themed.css(own))))
}

func (p Palette) css(own Palette) string {
	var b strings.Builder
	b.WriteString(":root {\n")
	p.Light.css(&b, own.Light, "  ")
	b.WriteString("}\n@media (prefers-color-scheme: dark) {\n  :root {\n")
	p.Dark.css(&b, own.Dark, "    ")
	b.WriteString("  }\n}\n")
	return b.String()
}

type named struct {
	name string
	file File
}

func fileOf(name, mediaType string, body []byte) named {
	sum := sha256.Sum256(body)
	extension := path.Ext(name)
	return named{strings.TrimSuffix(name, extension) + "." + hex.EncodeToString(sum[:6]) + extension, File{mediaType, body}}
}

func (l *loader) add(n named) string {
	l.branding.Files[n.name] = n.file
	return n.name
}

func (l *loader) images() {
	b := l.branding
	b.Logo, b.LogoDark = l.svg("logo.svg"), l.svg("logo-dark.svg")
	if b.LogoDark != "" && b.Logo == "" {
		l.fail("logo-dark.svg: there is no logo.svg, which light mode needs")
	}
	if b.LogoContainsName && b.Logo == "" {
		l.fail("%s: logo_contains_name: there is no logo.svg; add one or remove the key", fileName)
	}
	b.Favicon = l.svg("favicon.svg")
	for _, kind := range []struct{ name, mediaType, begins string }{
		{"favicon.png", "image/png", "\x89PNG\r\n\x1a\n"},
		{"favicon.ico", "image/x-icon", "\x00\x00\x01\x00"},
	} {
		body, ok := l.read(kind.name, maxImage)
		switch {
		case !ok:
		case b.Favicon != "":
			l.fail("%s: there is another favicon; keep one of favicon.svg, favicon.png and favicon.ico", kind.name)
		case !bytes.HasPrefix(body, []byte(kind.begins)):
			l.fail("%s: the content is not of this type", kind.name)
		default:
			b.Favicon = l.add(fileOf(kind.name, kind.mediaType, body))
		}
	}
}

func (l *loader) svg(name string) string {
	body, ok := l.read(name, maxImage)
	if !ok {
		return ""
	}
	if says := checkSVG(body); says != "" {
		l.fail("%s: %s", name, says)
		return ""
	}
	return l.add(fileOf(name, "image/svg+xml", body))
}

func (l *loader) fragment(name string) string {
	body, ok := l.read(name, maxFragment)
	if !ok {
		return ""
	}
	if !utf8.Valid(body) {
		l.fail("%s: the text is not UTF-8", name)
		return ""
	}
	return string(body)
}

func withoutPath(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func fileNames() []string {
	return []string{fileName, "logo.svg", "logo-dark.svg", "favicon.svg", "favicon.png", "favicon.ico", "home.md", "home-top.md"}
}

// misplaced reports files that were probably meant for the portal. It ignores others, such as a
// README.
func (l *loader) misplaced() {
	entries, err := fs.ReadDir(l.root.FS(), ".")
	if err != nil {
		l.fail("the folder cannot be listed: %v", withoutPath(err))
		return
	}
	for _, entry := range entries {
		name := entry.Name()
		base, _, _ := strings.Cut(strings.ToLower(name), ".")
		meant := slices.Contains([]string{"branding", "logo", "logo-dark", "favicon", "home", "home-top"}, base)
		if meant && !slices.Contains(fileNames(), name) {
			l.fail("%s: the portal does not read this file; it reads %s", name, strings.Join(fileNames(), ", "))
		}
	}
}
