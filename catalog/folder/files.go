package folder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// Limits of a catalog folder. docs/catalog.md lists them.
const (
	maxProducts     = 500
	maxProductFiles = 500
	maxDepth        = 8
	maxYAML         = 256 << 10
	maxMarkdown     = 1 << 20
	maxImage        = 1 << 20
	maxOpenAPI      = 32 << 20
	maxTotal        = 256 << 20
)

// files are the folder's regular files whose names do not begin with "." or "_".
type files struct {
	fsys       fs.FS
	folders    []string
	known      map[string]bool
	refused    map[string]string
	crowded    map[string]string
	loose      []string
	meantEmpty bool
	read       int64
}

func list(fsys fs.FS) (*files, error) {
	f := &files{fsys: fsys, known: map[string]bool{}, refused: map[string]string{}, crowded: map[string]string{}}
	entries, err := entriesOf(fsys, ".", maxProducts*4)
	if err != nil {
		return nil, fmt.Errorf("listing the folder: %w", err)
	}
	for _, entry := range entries {
		switch name := entry.Name(); {
		case name == catalog.EmptyMark:
			f.meantEmpty = true
		case ignored(name):
		case entry.IsDir():
			f.folders = append(f.folders, name)
			n := 0
			if err := f.listFolder(name, 1, &n); err != nil {
				return nil, err
			}
		case entry.Type()&fs.ModeSymlink != 0:
			f.refused[name] = symlink
		default:
			f.loose = append(f.loose, name)
		}
	}
	if len(f.folders) > maxProducts {
		return nil, fmt.Errorf("the folder has more than %d folders of products. Split it", maxProducts)
	}
	return f, nil
}

const (
	symlink   = "is a symbolic link, which Gatehouse does not follow. Put a copy in its place"
	irregular = "is not a regular file. Remove it"
)

func ignored(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

func (f *files) listFolder(dir string, depth int, n *int) error {
	top, _, _ := strings.Cut(dir, "/")
	if depth > maxDepth {
		f.crowded[top] = fmt.Sprintf("The folder has more than %d levels of folders. Move the files up.", maxDepth)
		return nil
	}
	entries, err := entriesOf(f.fsys, dir, maxProductFiles)
	if errors.Is(err, fs.ErrPermission) {
		f.crowded[top] = fmt.Sprintf("The folder %s cannot be read: permission denied. Let the worker's user read it.", path.Base(dir))
		return nil
	} else if err != nil {
		return fmt.Errorf("listing %s: %w", dir, err)
	}
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		if ignored(entry.Name()) {
			continue
		}
		if *n++; *n > maxProductFiles {
			f.crowded[top] = fmt.Sprintf("The folder has more than %d files. Move those that the portal does not show elsewhere.", maxProductFiles)
			return nil
		}
		switch {
		case entry.IsDir():
			if err := f.listFolder(name, depth+1, n); err != nil {
				return err
			}
		case entry.Type()&fs.ModeSymlink != 0:
			f.refused[name] = symlink
		case !entry.Type().IsRegular():
			f.refused[name] = irregular
		default:
			f.known[name] = true
		}
	}
	return nil
}

// entriesOf lists a directory sorted by name. It reads little more than limit entries.
func entriesOf(fsys fs.FS, dir string, limit int) ([]fs.DirEntry, error) {
	file, err := fsys.Open(dir)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lister, ok := file.(fs.ReadDirFile)
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: dir, Err: errors.New("it is not a folder")}
	}
	entries, err := lister.ReadDir(limit + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

func (f *files) in(dir string) (names []string) {
	for name := range f.known {
		if path.Dir(name) == dir {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names
}

// load reads a file of at most limit bytes. A fault says why the file cannot be used; an error,
// that the folder cannot be read now.
func (f *files) load(name string, limit int64) ([]byte, *fault, error) {
	refuse := func(format string, args ...any) ([]byte, *fault, error) {
		because := faultf(0, format, args...)
		return nil, &because, nil
	}
	if reason := f.reason(name); reason != "" {
		return refuse("%s %s.", path.Base(name), reason)
	}
	if !f.known[name] {
		return refuse("There is no file %s. Add it, or correct the path.", clip(name))
	}
	// A file that is too large is not opened: S3 would send all of it.
	if info, err := fs.Stat(f.fsys, name); err == nil && info.Size() > limit {
		return refuse("The file is larger than %s. Make it smaller.", size(limit))
	}
	file, err := f.fsys.Open(name)
	if err != nil {
		return f.unreadable(name, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return f.unreadable(name, err)
	}
	if int64(len(data)) > limit {
		return refuse("The file is larger than %s. Make it smaller.", size(limit))
	}
	if f.read += int64(len(data)); f.read > maxTotal {
		return nil, nil, fmt.Errorf("the files that the portal shows have more than %s. Make them smaller", size(maxTotal))
	}
	return data, nil, nil
}

func (f *files) reason(name string) string {
	for at := name; at != "."; at = path.Dir(at) {
		if reason, ok := f.refused[at]; ok {
			return reason
		}
	}
	return ""
}

func (f *files) unreadable(name string, err error) ([]byte, *fault, error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		because := faultf(0, "The file disappeared while it was read. Put it back, or remove what refers to it.")
		return nil, &because, nil
	case errors.Is(err, fs.ErrPermission):
		because := faultf(0, "The file cannot be read: permission denied. Let the worker's user read it.")
		return nil, &because, nil
	}
	return nil, nil, fmt.Errorf("reading %s: %w", name, err)
}

func size(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d KB", bytes>>10)
	}
	return fmt.Sprintf("%d MB", bytes>>20)
}
