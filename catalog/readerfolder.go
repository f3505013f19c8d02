package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const lastName = "last"

// readFolder reads the catalog folder and stores its description and blobs. An unchanged folder
// writes nothing. If the folder cannot be read, or has lost all products, the run goes on with
// the last description.
func (r *Reader) readFolder(ctx context.Context, p progress) (progress, error) {
	p = p.to(readAPIs)
	if r.Folder == nil {
		return p, nil
	}
	var last memory[string]
	if _, err := r.Scratch.Get(ctx, schema.CatalogFolder(), lastName, &last); err != nil {
		return p, err
	}
	folder, err := r.folder(ctx)
	if ctx.Err() != nil {
		return p, portal.Postpone("the worker is stopping", ctx.Err())
	}
	if err != nil {
		return p.withoutFolder(ctx, last, err), nil
	}
	before, err := r.described(ctx, last.Value)
	if portal.CodeOf(err) == portal.NotFound {
		before, err = Folder{}, nil // somebody deleted it
	}
	if err != nil {
		return p, err
	}
	if folder = folder.keepBroken(before); folder.vanished(before) {
		return p.withoutFolder(ctx, last, errVanished), nil
	}
	p.Folder, err = r.store(ctx, folder, before)
	if err != nil {
		return p, err
	}
	if p.Folder == last.Value && r.Now().Sub(last.At) < kept/90 {
		return p, nil
	}
	return p, remember(ctx, r, schema.CatalogFolder(), lastName, p.Folder, kept)
}

var errVanished = errors.New("the catalog folder has no products any more. Check that GATEHOUSE_CATALOG names the right place, and that its volume is mounted. " +
	"If you want a folder without products, put a file named " + EmptyMark + " into it")

func (p progress) withoutFolder(ctx context.Context, last memory[string], err error) progress {
	zerolog.Ctx(ctx).Warn().Err(err).Msg("the catalog folder could not be read")
	text := sentence(err)
	if last.Value != "" {
		text += " What it said on " + last.At.UTC().Format("2 January 2006, 15:04 UTC") + " stands."
	}
	p.Problems = append(p.Problems, Problem{Where: "catalog folder", Text: text})
	p.Folder, p.FolderSince = last.Value, last.At
	return p
}

func (r *Reader) folder(ctx context.Context) (folder Folder, err error) {
	err = portal.Guard(func() (err error) {
		folder, err = r.Folder(ctx)
		return err
	})()
	return folder, err
}

func (r *Reader) store(ctx context.Context, folder, before Folder) (hash string, err error) {
	blobs := folder.Blobs
	folder.Blobs = nil
	body, err := json.Marshal(folder)
	if err != nil {
		return "", fmt.Errorf("encoding what the catalog folder says: %w", err)
	}
	stored := before.hashes()
	for _, hash := range sortedKeys(blobs) {
		if stored[hash] {
			continue
		}
		if len(blobs[hash]) == 0 {
			continue // a blob must not be empty
		}
		if _, err := r.Documents.PutBlob(ctx, blobs[hash]); err != nil {
			return "", portal.Postpone("the catalog's files cannot be stored", err)
		}
	}
	if hash, err = r.Documents.PutBlob(ctx, body); err != nil {
		return "", portal.Postpone("the catalog folder's description cannot be stored", err)
	}
	return hash, nil
}

func (r *Reader) described(ctx context.Context, hash string) (folder Folder, err error) {
	if hash == "" {
		return Folder{}, nil
	}
	body, err := r.Documents.LoadBlob(ctx, hash)
	if err != nil {
		return Folder{}, err
	}
	if err := json.Unmarshal(body, &folder); err != nil {
		return Folder{}, fmt.Errorf("reading what the catalog folder said: %w", err)
	}
	slices.SortStableFunc(folder.Products, func(a, b Described) int { return compareText(a.Path, b.Path) })
	return folder, nil
}

// keepBroken returns the folder with the earlier descriptions of products that it cannot read now,
// so a typo takes no product down and makes none public.
func (f Folder) keepBroken(before Folder) Folder {
	f.Products = slices.Clone(f.Products)
	for _, product := range before.Products {
		if slices.Contains(f.Broken, product.Path) {
			f.Products = append(f.Products, product)
			f.Problems = append(slices.Clone(f.Problems), Problem{
				Where: productFile(product.Path), Text: "The product stays as it was before its files had errors.", Warning: true,
			})
		}
	}
	slices.SortFunc(f.Products, func(a, b Described) int { return compareText(a.Path, b.Path) })
	return f
}

func (f Folder) hashes() map[string]bool {
	all := map[string]bool{}
	for _, page := range f.Pages {
		all[page.Hash] = true
	}
	for _, file := range f.Files {
		all[file.Hash] = true
	}
	for _, product := range f.Products {
		p := product.Product
		all[p.Overview], all[p.Changelog] = true, true
		if p.Image != nil {
			all[p.Image.Hash] = true
		}
		for _, page := range p.Pages {
			all[page.Hash] = true
		}
		for _, file := range p.Files {
			all[file.Hash] = true
		}
		for _, api := range product.APIs {
			all[api.Definition] = true
		}
	}
	return all
}

// sentence is an error for an operator. A panic's text would not help.
func sentence(err error) string {
	var panicked *portal.PanicError
	if errors.As(err, &panicked) {
		return "Reading it made the worker panic. The log of the worker has the details; please report them."
	}
	text := err.Error()
	if text == "" {
		return "It could not be read."
	}
	text = upper(text)
	if last := text[len(text)-1]; last != '.' && last != '!' && last != '?' {
		text += "."
	}
	return text
}
