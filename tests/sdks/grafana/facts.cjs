// Print what Grafana knows: its units, its calculations, and how well each colour of the command line is seen on the
// panels of its dark and its light theme.
globalThis.navigator = { languages: ["en"] }; // it asks for the language of a browser
const { colorManipulator, createTheme, fieldReducers, getValueFormats } = require("@grafana/data");

const contrast = (name) =>
  ["dark", "light"].map((mode) => {
    const theme = createTheme({ colors: { mode } });
    return colorManipulator.getContrastRatio(
      theme.visualization.getColorByName(name),
      theme.colors.background.primary,
    );
  });

console.log(
  JSON.stringify({
    units: getValueFormats().flatMap((kind) => kind.submenu.map((unit) => unit.value)),
    calculations: fieldReducers.list().map((each) => each.id),
    contrasts: Object.fromEntries(process.argv.slice(2).map((name) => [name, contrast(name)])),
  }),
);
