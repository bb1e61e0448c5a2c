// What a dashboard of ours may hold, put together from the types that Grafana publishes.
//
// Grafana's own type of a dashboard leaves open what a kind of panel or a data source brings (Record<string, unknown>):
// here each is closed with its own type, so that no key is left that the compiler does not know.
import type { DataLink } from "@grafana/data";
import type { Dataquery } from "@grafana/grafana-foundation-sdk/prometheus";
import type * as grafana from "@grafana/schema";
import type { Options as BarGauge } from "@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";
import type { Options as Stat } from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type {
  FieldConfig as Drawing,
  Options as TimeSeries,
} from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

// JSON has the values of an enumeration, not its names.
type Plain<T> = T extends number
  ? `${T}` extends `${infer N extends number}`
    ? N
    : never
  : T extends string
    ? `${T}`
    : T extends object
      ? { [K in keyof T]: Plain<T[K]> }
      : T;

// What is left out has Grafana's default.
type Some<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: Some<T[K]> } : T;

type Source = { type: "prometheus"; uid: string };

type Query = Omit<Dataquery, "_implementsDataqueryVariant" | "datasource" | "expr" | "refId"> & {
  datasource: Source;
  expr: string;
  refId: string;
};

type Defaults<Custom> = Omit<grafana.FieldConfig, "custom" | "links"> & {
  unit: string;
  custom?: Some<Custom>;
  links?: DataLink[];
};

type Override<Custom> =
  | { [K in keyof Custom & string]: { id: `custom.${K}`; value: Custom[K] } }[keyof Custom & string]
  | { [K in "color" | "unit" | "displayName"]: { id: K; value: grafana.FieldConfig[K] } }["color" | "unit" | "displayName"];

type Panel<Kind extends string, Options, Custom> = Omit<
  grafana.Panel,
  "type" | "datasource" | "options" | "fieldConfig" | "targets"
> & {
  type: Kind;
  title: string;
  datasource: Source;
  options: Some<Options>;
  targets: Query[];
  fieldConfig: {
    defaults: Defaults<Custom>;
    overrides: { matcher: { id: "byName"; options: string }; properties: Override<Custom>[] }[];
  };
};

// Grafana's of some years ago read `current.value` of every variable, without asking whether there is one.
type Variable = Omit<grafana.VariableModel, "current" | "datasource" | "query" | "type"> &
  ({ type: "datasource"; query: "prometheus" } | { type: "query"; datasource: Source; query: { query: string; refId: string } }) & {
    current: grafana.VariableOption;
    definition?: string;
  };

export type Dashboard = Plain<
  Omit<grafana.Dashboard, "panels" | "templating"> & {
    panels: (
      | grafana.RowPanel
      | Panel<"timeseries", TimeSeries, Drawing>
      | Panel<"bargauge", BarGauge, never>
      | Panel<"stat", Stat, never>
    )[];
    templating: { list: Variable[] };
  }
>;
