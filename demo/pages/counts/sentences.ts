/** Made-up sentences of who did what and why. The reason says what follows, also where a time and a place stand between the two. */
import { madeUp } from "../../shell/made-up.ts";

const people = {
  ko: "{나는|나는|나는|나는|너는|우리는|민수는|지영이는|수진이는|동생은|언니는|형은|친구는|이웃은|선생님은|의사는|화가는|할머니는|할아버지는|아이는}",
  en: "{I|I|I|I|You|We|Mina|Paul|Anna|David|My {sister|brother|friend|neighbour}|The {teacher|doctor|painter|child}|Grandma|Grandpa}",
};
const when = {
  ko: "{오늘|어제|그제|아침에|저녁에|점심때|주말에|월요일에}",
  en: "{today|yesterday|at noon|at night|this morning|this evening|on Sunday|last week}",
};
const where = {
  ko: "{집에서|시장에서|학교에서|가게에서|역에서|공원에서|시내에서|길에서}",
  en: "{at home|at school|at work|near the market|near the park|in town|in a shop|on the way}",
};
const reasons = {
  ko: [
    "배가 고파서 … {밥을|밥을|빵을|라면을} {먹었다|먹었다|샀다}",
    "목이 말라서 … {물을|물을|주스를|차를} {마셨다|마셨다|샀다}",
    "날이 추워서 … {외투를|외투를|장갑을|모자를} {찾았다|샀다}",
    "비가 와서 … {우산을|우산을|장화를|비옷을} {찾았다|샀다}",
    "너무 심심해서 … {책을|책을|만화를|잡지를} {읽었다|읽었다|샀다}",
  ],
  en: [
    "got hungry and … bought {rice|rice|bread|soup}",
    "got thirsty and … bought {water|water|juice|tea}",
    "got cold and … bought {gloves|gloves|a coat|a hat}",
    "got wet and … bought {boots|boots|an umbrella|a raincoat}",
    "got bored and … bought {books|books|a comic|a game}",
  ],
};

export function sentences(language: "en" | "ko", seed: number): string[] {
  const [time, place] = [when[language], where[language]];
  const templates = reasons[language].map(
    (reason) =>
      `${people[language]} ${reason.replace("…", `{||||${time}|${place}|${time} ${place}|${time} ${place}}`)}.`,
  );
  return madeUp(templates, { count: 700, seed });
}
