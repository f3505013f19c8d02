package gateway

import (
	"fmt"
	"testing"
)

func TestAKeyIsFoundByItsValueOnAnyPageAmongOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	w.Wire.PageSize = 2
	for i := range 5 {
		if _, err := s.CreateKey(t.Context(), Key{Name: fmt.Sprintf("gatehouse/a/k%d", i), Value: value(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.CreateKey(t.Context(), Key{Name: "somebody else's", Value: value(9)}); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		key, found, calls, err := s.KeyOfValue(t.Context(), "gatehouse/", value(i))
		if err != nil || !found || key.Name != fmt.Sprintf("gatehouse/a/k%d", i) || calls < 1 || calls > 3 {
			t.Errorf("value %d is that of %+v, found %v with %d calls (%v)", i, key, found, calls, err)
		}
		byID, found, err := s.KeyByID(t.Context(), key.ID)
		if err != nil || !found || byID != key {
			t.Errorf("by its id it is %+v, found %v (%v)", byID, found, err)
		}
	}
	if key, found, calls, err := s.KeyOfValue(t.Context(), "gatehouse/", value(9)); found || calls != 3 || err != nil {
		t.Errorf("an unknown value is that of %+v, found %v with %d calls (%v)", key, found, calls, err)
	}
	if key, found, err := s.KeyByID(t.Context(), "nope"); found || err != nil {
		t.Errorf("there is %+v, found %v (%v)", key, found, err)
	}
}
