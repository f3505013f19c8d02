package folder

import (
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

type tree struct {
	files   map[string]entry
	folders map[string]map[string]entry
}

func newTree() *tree {
	return &tree{files: map[string]entry{}, folders: map[string]map[string]entry{".": {}}}
}

func (t *tree) add(name string, file entry) {
	t.files[name] = file
	for child := file; ; {
		dir := path.Dir(name)
		if t.folders[dir] == nil {
			t.folders[dir] = map[string]entry{}
		}
		if there, ok := t.folders[dir][child.name]; !ok || !there.dir {
			t.folders[dir][child.name] = child // a folder hides a file of its name
		}
		if dir == "." {
			return
		}
		name, child = dir, entry{name: path.Base(dir), dir: true}
	}
}

func (t *tree) find(name string) (entry, bool) {
	if _, ok := t.folders[name]; ok {
		return entry{name: path.Base(name), dir: true}, true
	}
	file, ok := t.files[name]
	return file, ok
}

func (t *tree) in(dir string) []fs.DirEntry {
	var entries []fs.DirEntry
	for _, e := range slices.SortedFunc(maps.Values(t.folders[dir]), func(a, b entry) int { return strings.Compare(a.name, b.name) }) {
		entries = append(entries, e)
	}
	return entries
}

type entry struct {
	name string
	size int64
	etag string
	dir  bool
}

func (e entry) Name() string               { return e.name }
func (e entry) Size() int64                { return e.size }
func (e entry) IsDir() bool                { return e.dir }
func (e entry) ModTime() time.Time         { return time.Time{} }
func (e entry) Sys() any                   { return nil }
func (e entry) Info() (fs.FileInfo, error) { return e, nil }
func (e entry) Type() fs.FileMode          { return e.Mode().Type() }

func (e entry) Mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

type openFile struct {
	entry
	io.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.entry, nil }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	entry
	rest []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.entry, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: fs.ErrInvalid}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.rest)
	} else if len(d.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.rest))
	next := d.rest[:n:n]
	d.rest = d.rest[n:]
	return next, nil
}
