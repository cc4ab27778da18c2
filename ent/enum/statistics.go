package enum

import "io"

// StatisticsInterval is how long a time one row of statistics sums.
type StatisticsInterval string

const (
	StatisticsIntervalHour  StatisticsInterval = "HOUR"
	StatisticsIntervalDay   StatisticsInterval = "DAY"
	StatisticsIntervalWeek  StatisticsInterval = "WEEK"
	StatisticsIntervalMonth StatisticsInterval = "MONTH"
	StatisticsIntervalTotal StatisticsInterval = "TOTAL"
)

// MarshalGQL and UnmarshalGQL bind StatisticsInterval to the GraphQL enum of that name.
func (v StatisticsInterval) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *StatisticsInterval) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them.
func (StatisticsInterval) Values() []string {
	return []string{"HOUR", "DAY", "WEEK", "MONTH", "TOTAL"}
}

// StatisticsDimension is what rows of statistics are told apart by.
type StatisticsDimension string

const (
	StatisticsDimensionAccount     StatisticsDimension = "ACCOUNT"
	StatisticsDimensionPhoneNumber StatisticsDimension = "PHONE_NUMBER"
	StatisticsDimensionTemplate    StatisticsDimension = "TEMPLATE"
	StatisticsDimensionCampaign    StatisticsDimension = "CAMPAIGN"
	StatisticsDimensionCategory    StatisticsDimension = "CATEGORY"
	StatisticsDimensionCountry     StatisticsDimension = "COUNTRY"
	StatisticsDimensionErrorCode   StatisticsDimension = "ERROR_CODE"
)

// MarshalGQL and UnmarshalGQL bind StatisticsDimension to the GraphQL enum of that name.
func (v StatisticsDimension) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *StatisticsDimension) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them.
func (StatisticsDimension) Values() []string {
	return []string{"ACCOUNT", "PHONE_NUMBER", "TEMPLATE", "CAMPAIGN", "CATEGORY", "COUNTRY", "ERROR_CODE"}
}
