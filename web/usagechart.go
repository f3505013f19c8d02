package web

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/usage"
)

// Browsers stretch charts to the width of the page, so charts have no text; labels are HTML
// beside them. A span is spanWidth wide, and a chart chartHeight high.
const (
	spanWidth   = 10.0
	chartHeight = 100.0
)

// mostBars is up to how many days have a bar each. Longer ranges have one per
// week.
const mostBars = 92

type barChart struct {
	Label string
	Width float64
	Bars  []bar
	// Top is the value at the top. Limit is the y of the limit line, negative without one.
	Top       string
	Limit     float64
	LimitText string
	// First and Last label the ends. Before says that the days before are drawn, Unknown that some
	// days are not known, Weekly that a bar is a week.
	First, Last             string
	Before, Unknown, Weekly bool
}

// bar is one span. BeforeY and BeforeHeight are for as many days before.
type bar struct {
	X, Y, Height          float64
	BeforeY, BeforeHeight float64
	// Unknown says that no day of the span was collected.
	Unknown bool
	// These are for the table.
	Day, Text, Was, Limit, Left string
}

type span struct {
	first, last time.Time
	used        int64
	known       bool
	limit, left *int64
}

func spansOf(s usage.Series, q usage.Query, length int) []span {
	var spans []span
	for first := q.First; !first.After(q.Last); first = first.AddDate(0, 0, length) {
		last := first.AddDate(0, 0, length-1)
		if last.After(q.Last) {
			last = q.Last
		}
		spans = append(spans, span{first: first, last: last})
	}
	for _, d := range s.Days {
		at := &spans[int(d.Day.Sub(q.First)/(24*time.Hour))/length]
		at.used, at.known, at.limit, at.left = at.used+d.Used, true, d.Limit, d.Remaining
	}
	return spans
}

func barsOf(s, before usage.Series, q usage.Query) barChart {
	length := 1
	if q.Days() > mostBars {
		length = 7
	}
	now, was := spansOf(s, q, length), spansOf(before, q.Before(), length)
	chart := barChart{Width: float64(len(now)) * spanWidth, Limit: -1, First: shortDay(q.First), Last: shortDay(q.Last), Weekly: length > 1}
	top, most := int64(1), span{}
	for i := range now {
		top = max(top, now[i].used, was[i].used)
		if now[i].used > most.used {
			most = now[i]
		}
	}
	if last := s.Days[len(s.Days)-1]; last.Limit != nil && last.Period == usage.Daily && length == 1 {
		chart.LimitText = "limit of " + count(int(*last.Limit), "request") + " a day"
		if *last.Limit <= 4*top {
			top = max(top, *last.Limit)
			chart.Limit = height(*last.Limit, top).y
		} else {
			chart.LimitText += ", far above this chart"
		}
	}
	chart.Top = grouped(int(top))
	for i, one := range now {
		chart.Before = chart.Before || was[i].known
		chart.Unknown = chart.Unknown || !one.known
		chart.Bars = append(chart.Bars, drawn(i, one, was[i], top))
	}
	chart.Label = fmt.Sprintf("%s from %s to %s", count(int(s.Used()), "request"), chart.First, chart.Last)
	if most.used > 0 {
		chart.Label += fmt.Sprintf(", at most %s on %s", grouped(int(most.used)), dayText(most))
	}
	return chart
}

func drawn(i int, now, was span, top int64) bar {
	up, behind := height(now.used, top), height(was.used, top)
	b := bar{
		X: float64(i) * spanWidth, Y: up.y, Height: up.height, BeforeY: behind.y, BeforeHeight: behind.height,
		Unknown: !now.known, Day: dayText(now), Text: "No data", Was: "No data", Limit: "–", Left: "–",
	}
	if now.known {
		b.Text = grouped(int(now.used))
	}
	if was.known {
		b.Was = grouped(int(was.used))
	}
	if now.limit != nil && now.left != nil {
		b.Limit, b.Left = grouped(int(*now.limit)), grouped(int(*now.left))
	}
	return b
}

func dayText(s span) string {
	if s.first.Equal(s.last) {
		return shortDay(s.first)
	}
	return shortDay(s.first) + " to " + shortDay(s.last)
}

type extent struct{ y, height float64 }

func height(value, top int64) extent {
	h := float64(value) / float64(top) * chartHeight
	if value > 0 {
		h = max(h, 1)
	}
	h = math.Round(h*10) / 10
	return extent{y: chartHeight - h, height: h}
}

type paceChart struct {
	Label string
	Width float64
	// Used and Forecast are the points of lines. Limit is the y of the limit.
	Used, Forecast string
	Limit          float64
	LimitText      string
	First, Last    string
}

// paceOf is nil for a daily quota, whose limit is in the bars, and if too little is known.
func paceOf(s usage.Series, now usage.Standing) *paceChart {
	if now.Period == usage.Daily {
		return nil
	}
	days := int(now.Next.Sub(now.Start) / (24 * time.Hour))
	top := float64(max(now.Limit, now.Used)) * 1.08
	chart := &paceChart{
		Width: float64(days) * spanWidth, Limit: math.Round(chartHeight - float64(now.Limit)/top*chartHeight), LimitText: "limit of " + count(int(now.Limit), "request"),
		First: shortDay(now.Start), Last: shortDay(now.Next.AddDate(0, 0, -1)),
	}
	at := func(day, used float64) string {
		return fmt.Sprintf("%.1f,%.1f", day*spanWidth, max(chartHeight-used/top*chartHeight, 0))
	}
	var points []string
	last, used := 0.0, 0.0
	for _, d := range s.Days {
		if d.Day.Before(now.Start) || d.Limit == nil || d.Remaining == nil {
			continue
		}
		end := d.Day.AddDate(0, 0, 1)
		if d.AsOf.Before(end) && d.AsOf.After(d.Day) {
			end = d.AsOf
		}
		if len(points) == 0 {
			points = append(points, at(float64(d.Day.Sub(now.Start)/(24*time.Hour)), max(float64(*d.Limit-*d.Remaining-d.Used), 0)))
		}
		last, used = end.Sub(now.Start).Hours()/24, max(float64(*d.Limit-*d.Remaining), 0)
		points = append(points, at(last, used))
	}
	if len(points) < 2 {
		return nil
	}
	chart.Used = strings.Join(points, " ")
	chart.Label = fmt.Sprintf("%s of %s used since %s", grouped(int(now.Used)), grouped(int(now.Limit)), chart.First)
	if !now.OutOn.IsZero() && now.Remaining > 0 {
		out := min(now.OutOn.Sub(now.Start).Hours()/24+0.5, float64(days))
		chart.Forecast = at(last, used) + " " + at(max(out, last), float64(now.Limit))
		chart.Label += ", used up on " + shortDay(now.OutOn) + " at this pace"
	}
	return chart
}
