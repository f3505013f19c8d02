package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// Source is a catalog folder at a location. It remembers what it has read, so that reading an
// unchanged folder costs little. It is safe for concurrent use.
type Source struct {
	location string
	// open returns the files, and a function to call after reading. Its error means that files
	// could not be read.
	open      func(context.Context) (fs.FS, func() error, error)
	documents documents
}

// Open returns the folder at "s3://bucket/prefix", or at a path on this machine. It does no I/O.
// The client may be nil for a path.
func Open(location string, client s3Client) (*Source, error) {
	rest, inS3 := strings.CutPrefix(location, "s3://")
	if !inS3 {
		if scheme, _, found := strings.Cut(location, "://"); found {
			return nil, fmt.Errorf("the catalog folder %s has an unknown scheme %s. Use a path or s3://bucket/prefix", location, scheme)
		}
		return Local(location), nil
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	if bucket == "" {
		return nil, fmt.Errorf("the catalog folder %s names no bucket. Use s3://bucket/prefix", location)
	}
	return S3(client, bucket, prefix), nil
}

// String is the location.
func (s *Source) String() string { return s.location }

// Read reads the folder as it is now; see the function Read. After an error, the caller should keep
// what it read before.
func (s *Source) Read(ctx context.Context) (catalog.Folder, error) {
	fsys, done, err := s.open(ctx)
	if err != nil {
		return catalog.Folder{}, err
	}
	folder, err := read(fsys, &s.documents)
	if failed := done(); failed != nil {
		return catalog.Folder{}, failed
	}
	if err != nil {
		return catalog.Folder{}, fmt.Errorf("the catalog folder %s cannot be read: %w", s.location, err)
	}
	return folder, nil
}

// Local returns the folder at a path on this machine. Nothing outside it is read, even through
// symbolic links.
func Local(dir string) *Source {
	return &Source{location: dir, open: func(context.Context) (fs.FS, func() error, error) {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, nil, noFolder(dir, err)
		}
		return root.FS(), func() error { _ = root.Close(); return nil }, nil
	}}
}

func noFolder(dir string, err error) error {
	info, failed := os.Stat(dir)
	switch {
	case dir == "":
		return errors.New("the catalog folder has no name. Name a path or s3://bucket/prefix")
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no folder %s. Create it, or correct the path", dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the folder %s cannot be read: permission denied. Let this program's user read it", dir)
	case failed == nil && !info.IsDir():
		return fmt.Errorf("%s is a file. Name the catalog folder, which has a folder for each product", dir)
	}
	return fmt.Errorf("opening the catalog folder %s: %w", dir, err)
}
