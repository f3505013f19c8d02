package demo

import (
	"math"
	"net/http"
	"time"
)

// tide models a harbour's water level as two waves about a mean: the moon's, with two high
// waters in about 24 h 50 min, and the spring-neap cycle, which changes its height over a
// fortnight.
type tide struct {
	meanM float64
	// spring and neap are the extreme heights of the moon's wave in metres.
	spring, neap float64
	// lateH is how many hours high water comes after the first harbour's.
	lateH float64
}

const (
	moonWave    = 12*time.Hour + 25*time.Minute + 14*time.Second
	springCycle = 14*24*time.Hour + 18*time.Hour + 22*time.Minute
)

// epoch is a high water at springs.
var epoch = time.Date(2024, 1, 11, 11, 57, 0, 0, time.UTC)

// height is the water level in metres above chart datum.
func (t tide) height(at time.Time) float64 {
	since := at.Sub(epoch)
	swell := math.Cos(turns(since, springCycle))
	wave := math.Cos(turns(since-time.Duration(t.lateH*float64(time.Hour)), moonWave))
	return t.meanM + ((t.spring+t.neap)/2+(t.spring-t.neap)/2*swell)*wave
}

func turns(since, period time.Duration) float64 {
	return 2 * math.Pi * float64(since) / float64(period)
}

type water struct {
	Kind    string    `json:"kind"`
	At      time.Time `json:"at"`
	HeightM float64   `json:"height_m"`
}

type tideTable struct {
	Harbour string  `json:"harbour"`
	Date    string  `json:"date"`
	Waters  []water `json:"waters"`
}

// waters returns a day's high and low waters, to the minute.
func (t tide) waters(day time.Time) []water {
	out := []water{}
	for at := day; at.Before(day.AddDate(0, 0, 1)); at = at.Add(time.Minute) {
		before, here, after := t.height(at.Add(-time.Minute)), t.height(at), t.height(at.Add(time.Minute))
		switch {
		case here > before && here >= after:
			out = append(out, water{"high", at, rounded(here, 2)})
		case here < before && here <= after:
			out = append(out, water{"low", at, rounded(here, 2)})
		}
	}
	return out
}

func rounded(x float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(x*scale) / scale
}

func getTides(w http.ResponseWriter, r *http.Request) { answerTides(w, r, r.PathValue("id")) }

// getTidesOf is from the first version of the API. The document marks it as deprecated.
func getTidesOf(w http.ResponseWriter, r *http.Request) {
	answerTides(w, r, r.URL.Query().Get("harbour"))
}

func answerTides(w http.ResponseWriter, r *http.Request, id string) {
	h, ok := findHarbour(w, id)
	if !ok {
		return
	}
	day, err := time.Parse(time.DateOnly, r.URL.Query().Get("date"))
	if err != nil || day.Year() < 2000 || day.Year() > 2099 {
		writeError(w, http.StatusBadRequest, "invalid", "date must be a day between 2000-01-01 and 2099-12-31, such as 2026-06-21.")
		return
	}
	writeJSON(w, http.StatusOK, tideTable{Harbour: h.ID, Date: day.Format(time.DateOnly), Waters: h.tide.waters(day)})
}
