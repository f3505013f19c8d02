// Command image packs Gatehouse's programs into a container image, without a container engine, and
// writes it to a file or to a registry. The same programs make the same image, byte by byte.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const usage = `Usage: image -programs FOLDER [-out FILE] [-push REFERENCE] [-version TEXT]

FOLDER has a folder for each architecture, arm64 or amd64, with the programs
api, worker and gatehouse. FILE becomes an OCI archive.

REFERENCE is a place in a registry, such as
111122223333.dkr.ecr.eu-west-1.amazonaws.com/gatehouse:0.1. With -user, the
password comes from standard input; without, the credentials of Docker's
configuration are used. The reference with the image's digest is printed.
`

type options struct {
	programs, out, push, user, version string
}

func main() {
	var o options
	flag.StringVar(&o.programs, "programs", "", "folder with the programs")
	flag.StringVar(&o.out, "out", "", "file for the OCI archive")
	flag.StringVar(&o.push, "push", "", "reference in a registry")
	flag.StringVar(&o.user, "user", "", "user at the registry")
	flag.StringVar(&o.version, "version", "", "version for the image's labels")
	flag.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "image: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, in io.Reader, out io.Writer) error {
	if o.programs == "" || o.out == "" && o.push == "" {
		return errors.New("-programs and one of -out and -push are needed; see -help")
	}
	index, err := build(o.programs, o.version)
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := archive(index, o.out); err != nil {
			return err
		}
	}
	if o.push == "" {
		return nil
	}
	return o.pushTo(ctx, index, in, out)
}

func (o options) pushTo(ctx context.Context, index v1.ImageIndex, in io.Reader, out io.Writer) error {
	to, err := name.ParseReference(o.push)
	if err != nil {
		return fmt.Errorf("-push %q is not a reference, like registry.example.com/gatehouse:0.1: %w", o.push, err)
	}
	with := remote.WithAuthFromKeychain(authn.DefaultKeychain)
	if o.user != "" {
		password, err := io.ReadAll(in)
		if err != nil {
			return fmt.Errorf("reading the password: %w", err)
		}
		with = remote.WithAuth(&authn.Basic{Username: o.user, Password: strings.TrimSpace(string(password))})
	}
	if err := remote.WriteIndex(to, index, with, remote.WithContext(ctx)); err != nil {
		return fmt.Errorf("pushing the image to %s: %w", to, err)
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, to.Context().Digest(digest.String()))
	return err
}
