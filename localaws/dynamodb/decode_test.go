package dynamodb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// tagged is a Value that encoding/json decodes and encodes by its tags alone.
type tagged struct {
	S    *string           `json:",omitempty"`
	N    *string           `json:",omitempty"`
	B    []byte            `json:",omitzero"`
	BOOL *bool             `json:",omitempty"`
	NULL *null             `json:",omitempty"`
	L    []tagged          `json:",omitzero"`
	M    map[string]tagged `json:",omitzero"`
	SS   []string          `json:",omitzero"`
	NS   []string          `json:",omitzero"`
	BS   [][]byte          `json:",omitzero"`
}

func (v tagged) value() Value {
	plain := Value{S: v.S, N: v.N, B: v.B, BOOL: v.BOOL, NULL: v.NULL, M: itemOf(v.M), SS: v.SS, NS: v.NS, BS: v.BS}
	if v.L != nil {
		plain.L = []Value{}
	}
	for _, e := range v.L {
		plain.L = append(plain.L, e.value())
	}
	return plain
}

func itemOf(m map[string]tagged) Item {
	if m == nil {
		return nil
	}
	it := Item{}
	for name, v := range m {
		it[name] = v.value()
	}
	return it
}

// request has an item as a member.
type request[I any] struct{ Item I }

func decoded[I any](text string) (request[I], error) {
	var r request[I]
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(&r)
	return r, err
}

// oneOf draws a value of one of the generators.
func oneOf(t *rapid.T, texts ...func(*rapid.T) string) string {
	return rapid.SampledFrom(texts).Draw(t, "choice")(t)
}

func constant(texts ...string) func(*rapid.T) string {
	return func(t *rapid.T) string { return rapid.SampledFrom(texts).Draw(t, "text") }
}

var (
	drawText   = constant(`"a"`, `"b"`, `""`, `"<&>"`, `"ä€😀"`, `"\u00e9\n\"\\\/"`, `"\ud800"`, "\"\xff\"", `"1.50"`)
	drawBinary = constant(`""`, `"AAH/"`, `"AAE="`, `"AAE"`, `"AA\/A"`, `"*"`)
	drawTruth  = constant("true", "false")
	drawStray  = constant("null", "1", "1.5e3", "{}", "[]", `"x"`, "true", "[1,2]", `["a",null]`, `{"S":"a"}`)
)

func drawList(element func(*rapid.T) string) func(*rapid.T) string {
	return func(t *rapid.T) string {
		return "[" + strings.Join(rapid.SliceOfN(rapid.Custom(element), 0, 3).Draw(t, "list"), drawSpace(t)+",") + "]"
	}
}

func drawSpace(t *rapid.T) string { return constant("", "", " ", "\n\t\r ")(t) }

// drawMember draws one member of a value, usually a valid one.
func drawMember(depth int) func(*rapid.T) string {
	return func(t *rapid.T) string {
		contents := map[string]func(*rapid.T) string{
			"S": drawText, "N": drawText, "B": drawBinary, "BOOL": drawTruth, "NULL": drawTruth,
			"SS": drawList(drawText), "NS": drawList(drawText), "BS": drawList(drawBinary), "s": drawText, "X": drawText,
		}
		if depth > 0 {
			contents["L"] = drawList(drawValue(depth - 1))
			contents["M"] = drawItem(depth - 1)
		}
		kind := rapid.SampledFrom([]string{"S", "S", "N", "N", "B", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "L", "M", "M", "s", "X"}).
			Filter(func(kind string) bool { return contents[kind] != nil }).Draw(t, "kind")
		content := contents[kind]
		if rapid.IntRange(0, 20).Draw(t, "stray") == 0 {
			content = drawStray
		}
		return fmt.Sprintf("%q%s:%s", kind, drawSpace(t), content(t))
	}
}

func drawValue(depth int) func(*rapid.T) string {
	return func(t *rapid.T) string {
		count := rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 1, 1, 0, 2}).Draw(t, "members")
		members := rapid.SliceOfN(rapid.Custom(drawMember(depth)), count, count).Draw(t, "value")
		return "{" + drawSpace(t) + strings.Join(members, ",") + "}"
	}
}

func drawItem(depth int) func(*rapid.T) string {
	return func(t *rapid.T) string {
		var members []string
		for range rapid.IntRange(0, 4).Draw(t, "attributes") {
			members = append(members, drawText(t)+":"+drawSpace(t)+drawValue(depth)(t))
		}
		return "{" + strings.Join(members, drawSpace(t)+",") + drawSpace(t) + "}"
	}
}

func TestItemsAreDecodedAndRefusedAsByTheirTags(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := `{"Item":` + oneOf(t, drawItem(2), drawItem(2), drawItem(2), drawStray) + "}"
		want, wantErr := decoded[map[string]tagged](text)
		got, err := decoded[Item](text)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%s: error %v, want %v", text, err, wantErr)
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(itemOf(want.Item), got.Item); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", text, diff)
		}
	})
}

func TestAnInvalidItemHasTheErrorOfEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, item := range []string{
		`[]`, `1`, `{"a":"b"}`, `{"a":{"S":1}}`, `{"a":{"N":1}}`, `{"a":{"X":"b"}}`, `{"a":{"B":"*"}}`, `{"a":{"BOOL":"true"}}`,
		`{"a":{"L":[{"S":[]}]}}`, `{"a":{"M":{"b":{"X":1}}}}`, `{"a":{"M":{"b":{"S":1}}}}`, `{"a":{"SS":["b",1]}}`, `{"a":{"BS":["*"]}}`,
	} {
		_, err := decoded[Item](`{"Item":` + item + "}")
		_, want := decoded[map[string]tagged](`{"Item":` + item + "}")
		if err == nil || want == nil || wording(err) != wording(want) {
			t.Errorf("%s: %v\nwant %v", item, err, want)
		}
	}
}

// wording returns the error's text without the names of Go types.
func wording(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return wrong.Field + " is a " + wrong.Value
	}
	return err.Error()
}

func TestItemsAreEncodedAsByTheirTags(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := `{"Item":` + drawItem(2)(t) + "}"
		plain, err := decoded[map[string]tagged](text)
		if err != nil || !wellFormed(itemOf(plain.Item)) {
			return
		}
		want, err := json.Marshal(plain.Item)
		if err != nil {
			t.Fatal(err)
		}
		if got := itemOf(plain.Item).appendJSON(nil); !bytes.Equal(got, want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

// wellFormed reports whether every value has exactly one member.
func wellFormed(it Item) bool {
	for _, v := range it {
		if v.setMembers() != 1 || !wellFormed(v.M) {
			return false
		}
		for _, e := range v.L {
			if !wellFormed(Item{"": e}) {
				return false
			}
		}
	}
	return true
}
