package demo

import (
	"encoding/json"
	"math"
	"net/http"
	"time"
)

type passageRequest struct {
	From string `json:"from"`
	To   string `json:"to"`
	// SpeedKn is the boat's speed in knots.
	SpeedKn float64   `json:"speed_kn"`
	Departs time.Time `json:"departs"`
}

type passage struct {
	From       string    `json:"from"`
	To         string    `json:"to"`
	DistanceNM float64   `json:"distance_nm"`
	CourseDeg  int       `json:"course_deg"`
	Departs    time.Time `json:"departs"`
	Arrives    time.Time `json:"arrives"`
	// DepthOnArrivalM is the depth of the entrance then, tide included.
	DepthOnArrivalM float64 `json:"depth_on_arrival_m"`
}

func planPassage(w http.ResponseWriter, r *http.Request) {
	var in passageRequest
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		writeError(w, http.StatusBadRequest, "invalid", "The body must be a passage: from, to, speed_kn and departs.")
		return
	}
	switch {
	case !(in.SpeedKn >= 0.5 && in.SpeedKn <= 40):
		writeError(w, http.StatusBadRequest, "invalid", "speed_kn must be between 0.5 and 40.")
		return
	case in.Departs.Year() < 2000 || in.Departs.Year() > 2099:
		writeError(w, http.StatusBadRequest, "invalid", "departs must be a time such as 2026-06-21T08:00:00Z.")
		return
	case in.From == in.To:
		writeError(w, http.StatusBadRequest, "invalid", "from and to must be two harbours.")
		return
	}
	from, ok := findHarbour(w, in.From)
	if !ok {
		return
	}
	to, ok := findHarbour(w, in.To)
	if !ok {
		return
	}
	writeJSON(w, http.StatusOK, passageBetween(from, to, in.SpeedKn, in.Departs.UTC()))
}

func passageBetween(from, to harbour, speed float64, departs time.Time) passage {
	distance, course := greatCircle(from.Position, to.Position)
	arrives := departs.Add(time.Duration(distance / speed * float64(time.Hour))).Round(time.Minute)
	return passage{
		From: from.ID, To: to.ID, DistanceNM: rounded(distance, 1), CourseDeg: int(math.Round(course)) % 360,
		Departs: departs, Arrives: arrives, DepthOnArrivalM: rounded(to.DepthM+to.tide.height(arrives), 1),
	}
}

// greatCircle returns the distance in nautical miles and the initial course in degrees from
// north.
func greatCircle(a, b position) (distance, course float64) {
	const radiusNM = 3440.065
	rad := math.Pi / 180
	latA, latB, dLon := a.Latitude*rad, b.Latitude*rad, (b.Longitude-a.Longitude)*rad
	h := math.Pow(math.Sin((latB-latA)/2), 2) + math.Cos(latA)*math.Cos(latB)*math.Pow(math.Sin(dLon/2), 2)
	distance = 2 * radiusNM * math.Asin(math.Sqrt(h))
	course = math.Atan2(math.Sin(dLon)*math.Cos(latB), math.Cos(latA)*math.Sin(latB)-math.Sin(latA)*math.Cos(latB)*math.Cos(dLon)) / rad
	return distance, math.Mod(course+360, 360)
}
