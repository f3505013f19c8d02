package demo

import (
	"math"
	"net/http"
	"slices"
	"strconv"
)

// position is in decimal degrees, north and east positive.
type position struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

type harbour struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Position position `json:"position"`
	Berths   int      `json:"berths"`
	// DepthM is the charted depth of the entrance in metres, at the lowest tide.
	DepthM float64 `json:"depth_m"`
	tide   tide
}

type light struct {
	ID             string   `json:"id"`
	Name           string   `json:"name"`
	Position       position `json:"position"`
	Characteristic string   `json:"characteristic"`
	Colours        []string `json:"colours"`
	// PeriodS is the light's sequence in seconds.
	PeriodS int `json:"period_s"`
	HeightM int `json:"height_m"`
	RangeNM int `json:"range_nm"`
}

// The coast and everything on it are invented.
var harbours = []harbour{
	{"alder-quay", "Alder Quay", position{48.912, -4.105}, 120, 2.4, tide{meanM: 4.6, spring: 3.1, neap: 1.2, lateH: 0.4}},
	{"brackwater", "Brackwater", position{49.034, -3.874}, 64, 1.8, tide{meanM: 4.9, spring: 3.4, neap: 1.3, lateH: 1.1}},
	{"corrie-sound", "Corrie Sound", position{49.201, -3.512}, 210, 4.0, tide{meanM: 5.2, spring: 3.7, neap: 1.5, lateH: 1.6}},
	{"dunmarrow", "Dunmarrow", position{49.377, -3.260}, 38, 1.2, tide{meanM: 5.5, spring: 4.0, neap: 1.6, lateH: 2.3}},
	{"elver-bay", "Elver Bay", position{49.518, -2.933}, 85, 3.1, tide{meanM: 5.1, spring: 3.6, neap: 1.4, lateH: 2.9}},
}

var lights = []light{
	{"anvil-rock", "Anvil Rock", position{48.958, -4.262}, "Fl(2) W 10s", []string{"white"}, 10, 42, 21},
	{"far-ness", "Far Ness", position{49.592, -2.801}, "Oc WR 6s", []string{"white", "red"}, 6, 27, 14},
	{"gannet-stack", "Gannet Stack", position{49.246, -3.735}, "Fl(3) W 20s", []string{"white"}, 20, 61, 24},
	{"low-mole", "Low Mole", position{49.203, -3.509}, "Iso G 4s", []string{"green"}, 4, 9, 6},
}

func listHarbours(w http.ResponseWriter, r *http.Request) {
	minDepth := 0.0
	if raw := r.URL.Query().Get("min_depth_m"); raw != "" {
		var err error
		if minDepth, err = strconv.ParseFloat(raw, 64); err != nil || math.IsNaN(minDepth) {
			writeError(w, http.StatusBadRequest, "invalid", "min_depth_m must be a number of metres, such as 2.5.")
			return
		}
	}
	out := list[harbour]{Items: []harbour{}}
	for _, h := range harbours {
		if h.DepthM >= minDepth {
			out.Items = append(out.Items, h)
		}
	}
	writeJSON(w, http.StatusOK, out)
}

func getHarbour(w http.ResponseWriter, r *http.Request) {
	if h, ok := findHarbour(w, r.PathValue("id")); ok {
		writeJSON(w, http.StatusOK, h)
	}
}

func findHarbour(w http.ResponseWriter, id string) (harbour, bool) {
	for _, h := range harbours {
		if h.ID == id {
			return h, true
		}
	}
	writeError(w, http.StatusNotFound, "not_found", "There is no such harbour. GET /harbours lists them.")
	return harbour{}, false
}

func listLights(w http.ResponseWriter, r *http.Request) {
	colour := r.URL.Query().Get("colour")
	if colour != "" && !slices.Contains([]string{"white", "red", "green"}, colour) {
		writeError(w, http.StatusBadRequest, "invalid", "colour must be white, red or green.")
		return
	}
	out := list[light]{Items: []light{}}
	for _, l := range lights {
		if colour == "" || slices.Contains(l.Colours, colour) {
			out.Items = append(out.Items, l)
		}
	}
	writeJSON(w, http.StatusOK, out)
}

func getLight(w http.ResponseWriter, r *http.Request) {
	for _, l := range lights {
		if l.ID == r.PathValue("id") {
			writeJSON(w, http.StatusOK, l)
			return
		}
	}
	writeError(w, http.StatusNotFound, "not_found", "There is no such light. GET /lights lists them.")
}
