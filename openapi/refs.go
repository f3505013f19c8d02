package openapi

import (
	"net/url"
	"strconv"
	"strings"
)

// checkRefs refuses references to other documents, which would make this reader fetch addresses
// that the author chose.
func checkRefs(root *node) error {
	return walk(root, func(n *node, at *place) error {
		for _, key := range []string{"$ref", "$dynamicRef", "$recursiveRef"} {
			ref := n.get(key)
			if !ref.is(stringKind) || strings.HasPrefix(ref.text, "#") {
				continue
			}
			return invalid(at.to(key).String(), "the reference leads to another document (%s), and only references inside the document are followed; copy what it names into components and refer to it as #/components/…", shorten(ref.text, 100))
		}
		return nil
	})
}

type resolver struct {
	root  *node
	found map[string]*node
}

func (r *resolver) lookup(ref string) *node {
	if n, ok := r.found[ref]; ok {
		return n
	}
	n := r.walk(ref)
	r.found[ref] = n
	return n
}

func (r *resolver) walk(ref string) *node {
	path, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	if path == "" {
		return r.root
	}
	if path[0] != '/' {
		return nil
	}
	n := r.root
	for key := range strings.SplitSeq(path[1:], "/") {
		n = child(n, refKey(key))
		if n == nil {
			return nil
		}
	}
	return n
}

func child(n *node, key string) *node {
	if n.is(arrayKind) {
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(n.items) {
			return n.items[i]
		}
		return nil
	}
	return n.get(key)
}

// refKey decodes one part of a reference (a JSON pointer in a URI fragment).
func refKey(key string) string {
	if strings.Contains(key, "%") {
		if decoded, err := url.PathUnescape(key); err == nil {
			key = decoded
		}
	}
	if strings.Contains(key, "~") {
		key = unescapeKey.Replace(key)
	}
	return key
}

const maxHops = 50

// follow returns the value that n stands for, nil if a reference leads nowhere or only to
// further references.
func (r *resolver) follow(n *node) *node {
	for range maxHops {
		ref := n.get("$ref")
		if !ref.is(stringKind) {
			return n
		}
		n = r.lookup(ref.text)
	}
	return nil
}

func shorten(s string, length int) string {
	if len(s) <= length {
		return s
	}
	return strings.ToValidUTF8(s[:length], "") + "…"
}
