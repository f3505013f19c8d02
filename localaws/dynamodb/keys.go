package dynamodb

import (
	"bytes"
	"slices"
)

// An item's place in the store is
//
//	partition key, escaped | 00 01 | sort key
//
// where each key is in bytes that compare as the values do: UTF-8, the binary
// itself, or number.appendOrdered. In the partition key a 00 is written 00 FF, so
// that no partition's bytes begin another's; the sort key comes last and needs
// nothing, so that begins_with is a prefix of bytes. A table has one type for each
// key, hence no type byte. Partitions are thus in order of their keys, which on
// AWS they are not: nothing may depend on it.

const (
	maxPartitionKey = 2048
	maxSortKey      = 1024
)

// appendOrdered appends the bytes of a key of type S, N or B.
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

// partition is what the places of all items with that partition key begin with.
func partition(hash Value) []byte {
	plain := hash.appendOrdered(nil)
	escaped := bytes.ReplaceAll(plain, []byte{0}, []byte{0, 0xff})
	return append(escaped, 0, 1)
}

// partOf is the part of a place that its partition key makes.
func partOf(place []byte) []byte {
	part, _, _ := bytes.Cut(place, []byte{0, 1})
	return part
}

// place is where the item with that key lies. The key must have been checked.
func (t *table) place(key Item) []byte {
	place := partition(key[t.Hash.Name])
	if t.Range != nil {
		place = key[t.Range.Name].appendOrdered(place)
	}
	return place
}

// after is the least key greater than place.
func after(place []byte) []byte { return append(bytes.Clone(place), 0) }

// afterPrefix is the least key greater than all that begin with prefix. A prefix
// of a place is never all FF: a partition ends in 01.
func afterPrefix(prefix []byte) []byte {
	end := bytes.TrimRight(prefix, "\xff")
	end = bytes.Clone(end)
	end[len(end)-1]++
	return end
}

// keyOf is the primary key of an item.
func (t *table) keyOf(it Item) Item {
	key := Item{t.Hash.Name: it[t.Hash.Name]}
	if t.Range != nil {
		key[t.Range.Name] = it[t.Range.Name]
	}
	return key
}

// checkKey checks a primary key that a request names an item by.
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

// hasKeys reports whether the item has all key attributes, of whatever type.
func (t *table) hasKeys(it Item) bool {
	return !slices.ContainsFunc(t.keys(), func(k keyAttribute) bool {
		_, ok := it[k.Name]
		return !ok
	})
}

// checkItemKey checks the key attributes of a whole item.
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

// checkNotEmpty refuses an action whose key has an empty string or binary.
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
