package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// build returns the program for Linux. Nothing in it says where it was built. With the tag
// lambda.norpc, aws-lambda-go leaves out what only an older runtime needs.
func build(ctx context.Context, sources, architecture string) (program []byte, err error) {
	if architecture != "arm64" && architecture != "amd64" {
		return nil, fmt.Errorf("AWS Lambda has no processors of the architecture %q; use arm64 or amd64", architecture)
	}
	dir, err := os.MkdirTemp("", "gatehouse-lambda-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	to := filepath.Join(dir, "bootstrap")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", to, "./cmd/lambda")
	cmd.Dir, cmd.Stderr = sources, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+architecture)
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("building for %s: %w", architecture, err)
	}
	return os.ReadFile(to)
}

// packed is the time of the file in the zip. A zip has no times before 1980.
var packed = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// pack returns a zip with the program, executable, as AWS Lambda looks for it (AWS Lambda Developer
// Guide, "Building Lambda functions with Go").
func pack(program []byte) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: packed}
	header.SetMode(fs.FileMode(0o755))
	file, err := w.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := file.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
