package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

var (
	architectures = []string{"amd64", "arm64"}
	programs      = []string{"api", "gatehouse", "worker"}
)

// user runs the programs. It owns no file, so it can change none.
const user = "65532"

// build returns the image of every architecture whose programs are in the folder.
func build(folder, version string) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	found := false
	for _, architecture := range architectures {
		img, err := imageOf(filepath.Join(folder, architecture), architecture, version)
		if errors.Is(err, fs.ErrNotExist) && !exists(filepath.Join(folder, architecture)) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = true
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}},
		})
	}
	if !found {
		return nil, fmt.Errorf("%s has neither a folder amd64 nor arm64", folder)
	}
	return index, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func imageOf(folder, architecture, version string) (v1.Image, error) {
	content, err := files(folder)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, fmt.Errorf("packing the files: %w", err)
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if img, err = mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: epoch}, CreatedBy: "tools/image"}}); err != nil {
		return nil, err
	}
	config, err := partial.ConfigFile(img)
	if err != nil {
		return nil, err
	}
	config.OS, config.Architecture, config.Created = "linux", architecture, v1.Time{Time: epoch}
	config.Config = v1.Config{
		User: user, WorkingDir: "/", Cmd: []string{"/bin/api"}, Env: []string{"PATH=/bin"}, ExposedPorts: map[string]struct{}{"8080/tcp": {}},
		Labels: map[string]string{
			"org.opencontainers.image.title": "Gatehouse", "org.opencontainers.image.licenses": "Apache-2.0", "org.opencontainers.image.version": version,
		},
	}
	return mutate.ConfigFile(img, config)
}

// epoch is the time of everything, so that the same files make the same image.
var epoch = time.Unix(0, 0).UTC()

// files returns the image's files as a tar archive. They all belong to root.
func files(folder string) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, dir := range []string{"bin/", "etc/", "etc/ssl/", "etc/ssl/certs/"} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: epoch, Format: tar.FormatUSTAR}); err != nil {
			return nil, err
		}
	}
	add := func(name string, mode int64, content []byte) error {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content)), ModTime: epoch, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		_, err := w.Write(content)
		return err
	}
	for _, program := range programs {
		content, err := os.ReadFile(filepath.Join(folder, program))
		if err != nil {
			return nil, fmt.Errorf("the programs are not complete: %w", err)
		}
		if err := add("bin/"+program, 0o755, content); err != nil {
			return nil, err
		}
	}
	for _, one := range []struct{ name, content string }{
		{"etc/passwd", "gatehouse:x:" + user + ":" + user + ":Gatehouse:/:/sbin/nologin\n"},
		{"etc/group", "gatehouse:x:" + user + ":\n"},
		{"etc/ssl/certs/ca-certificates.crt", authorities()},
	} {
		if err := add(one.name, 0o644, []byte(one.content)); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}

// authorities are the certificate authorities that Mozilla trusts without constraints.
func authorities() string {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
		}
	}
	return out.String()
}
