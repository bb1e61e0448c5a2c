// Print what Grafana knows and does: its units, its calculations, how well each colour is seen on the panels of its dark
// and its light theme, and how a field of a panel shows a number. Asked in JSON, by the command line.
globalThis.navigator = { languages: ["en"] }; // it asks for the language of a browser
const grafana = require("@grafana/data");

const { colours, shown } = JSON.parse(process.argv[2]);
const themes = ["dark", "light"].map((mode) => grafana.createTheme({ colors: { mode } }));
const painted = (theme, name) => theme.visualization.getColorByName(name);

const contrast = (name) =>
  themes.map((theme) =>
    grafana.colorManipulator.getContrastRatio(painted(theme, name), theme.colors.background.primary),
  );

function show([config, number]) {
  const [theme] = themes;
  const field = { name: "", type: grafana.FieldType.number, config, values: [] };
  grafana.validateFieldConfig(config);
  const display = grafana.getDisplayProcessor({ field, theme })(number);
  const colour = colours.find((name) => painted(theme, name) === display.color);
  return [grafana.formattedValueToString(display), colour];
}

console.log(
  JSON.stringify({
    units: grafana.getValueFormats().flatMap((kind) => kind.submenu.map((unit) => unit.value)),
    calculations: grafana.fieldReducers.list().map((each) => each.id),
    contrasts: Object.fromEntries(colours.map((name) => [name, contrast(name)])),
    shown: shown.map(show),
  }),
);
