package dynamodb

import (
	"bytes"
	"slices"
)

// An item's place, its key in the store, is
//
//	partition key, escaped | 00 01 | sort key
//
// Both keys' bytes sort like the values: UTF-8, the binary itself, or number.appendOrdered.
// In the partition key 00 is escaped as 00 FF, so that no partition is a prefix of another.
// The sort key is not escaped, so begins_with is a prefix of bytes. Each key has one type
// per table and needs no type byte. Partitions are thus sorted by key. On AWS they are not,
// so callers must not rely on it.

const (
	maxPartitionKey = 2048
	maxSortKey      = 1024
)

func (v Value) appendOrdered(dst []byte) []byte {
	switch {
	case v.S != nil:
		return append(dst, *v.S...)
	case v.N != nil:
		return v.number().appendOrdered(dst)
	default:
		return append(dst, v.B...)
	}
}

func partition(hash Value) []byte {
	plain := hash.appendOrdered(nil)
	escaped := bytes.ReplaceAll(plain, []byte{0}, []byte{0, 0xff})
	return append(escaped, 0, 1)
}

func partOf(place []byte) []byte {
	part, _, _ := bytes.Cut(place, []byte{0, 1})
	return part
}

func (t *table) place(key Item) []byte {
	place := partition(key[t.Hash.Name])
	if t.Range != nil {
		place = key[t.Range.Name].appendOrdered(place)
	}
	return place
}

func after(place []byte) []byte { return append(bytes.Clone(place), 0) }

// afterPrefix returns the least key greater than all with the prefix, which is never all
// FF: a partition ends in 01.
func afterPrefix(prefix []byte) []byte {
	end := bytes.TrimRight(prefix, "\xff")
	end = bytes.Clone(end)
	end[len(end)-1]++
	return end
}

func (t *table) keyOf(it Item) Item {
	key := Item{t.Hash.Name: it[t.Hash.Name]}
	if t.Range != nil {
		key[t.Range.Name] = it[t.Range.Name]
	}
	return key
}

func (t *table) checkKey(key Item) error {
	if len(key) != len(t.keys()) {
		return errKeyMismatch
	}
	for _, k := range t.keys() {
		v, ok := key[k.Name]
		if !ok || v.kind() != k.Type {
			return errKeyMismatch
		}
		if err := t.checkKeyValue(k, v); err != nil {
			return err
		}
	}
	return nil
}

var errKeyMismatch = invalid("The provided key element does not match the schema")

// hasKeys reports whether the item has all key attributes, of any type.
func (t *table) hasKeys(it Item) bool {
	return !slices.ContainsFunc(t.keys(), func(k keyAttribute) bool {
		_, ok := it[k.Name]
		return !ok
	})
}

func (t *table) checkItemKey(it Item) error {
	for _, k := range t.keys() {
		v, ok := it[k.Name]
		if !ok {
			return invalidParameter("Missing the key %s in the item", k.Name)
		}
		if v.kind() != k.Type {
			return invalidParameter("Type mismatch for key %s expected: %s actual: %s", k.Name, k.Type, v.kind())
		}
		if err := t.checkKeyValue(k, v); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) checkKeyValue(k keyAttribute, v Value) error {
	var size int
	word := "string"
	switch k.Type {
	case "N":
		return nil
	case "S":
		size = len(*v.S)
	case "B":
		size, word = len(v.B), "binary"
	}
	isHash := k.Name == t.Hash.Name
	switch {
	case size == 0:
		return emptyKey(word, k)
	case isHash && size > maxPartitionKey:
		return invalidParameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
	case !isHash && size > maxSortKey:
		return invalidParameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

func emptyKey(word string, k keyAttribute) error {
	return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", word, k.Name)
}

func (t *table) checkNotEmpty(a *action) error {
	key := a.key
	if a.verb == putVerb {
		key = a.item
	}
	for _, k := range t.keys() {
		switch v := key[k.Name]; {
		case v.S != nil && *v.S == "":
			return emptyKey("string", k)
		case v.B != nil && len(v.B) == 0:
			return emptyKey("binary", k)
		}
	}
	return nil
}
