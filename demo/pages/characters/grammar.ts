/**
 * A small grammar that makes up sentences, so that the page has a text to learn from that belongs to nobody. The Korean
 * half chooses its particles by the last sound of the noun before them (은/는, 을/를, 이/가, 로/으로), which is a rule
 * that a network can be watched to find out.
 */

/** Xorshift (Marsaglia, "Xorshift RNGs", 2003): the same text for everyone. */
class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** A whole number below `sides`. */
  roll(sides: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % sides;
  }

  pick<T>(of: readonly T[]): T {
    return of[this.roll(of.length)]!;
  }
}

const english = {
  who: ["the baker", "the old sailor", "a young painter", "the teacher", "my sister", "the gardener", "a quiet child"],
  animal: ["the cat", "a grey heron", "the small dog", "an owl", "the horse", "a fox", "the crow"],
  does: ["mends", "carries", "paints", "finds", "hides", "watches", "draws", "remembers"],
  thing: ["a wooden boat", "the blue lamp", "an old letter", "the garden gate", "a paper kite", "the long ladder"],
  moves: ["sleeps", "waits", "sings", "walks slowly", "looks around", "stands still", "runs"],
  where: ["by the river", "under the bridge", "near the harbour", "on the hill", "behind the mill", "in the kitchen"],
  when: ["in the morning", "at noon", "before the rain", "after dinner", "every evening", "on Sundays"],
  because: ["the wind is cold", "the road is long", "the night is clear", "the bread is warm", "the tide is low"],
};

const korean = {
  who: ["할머니", "어부", "선생님", "화가", "동생", "요리사", "아이", "이웃", "농부", "누나"],
  animal: ["고양이", "강아지", "부엉이", "말", "까치", "여우", "거북이", "곰"],
  thing: ["나무 배", "파란 등불", "오래된 편지", "정원 문", "종이 연", "긴 사다리", "둥근 돌", "작은 책"],
  does: ["고칩니다", "찾습니다", "숨깁니다", "그립니다", "기억합니다", "바라봅니다", "듭니다"],
  moves: ["잡니다", "기다립니다", "노래합니다", "천천히 걷습니다", "둘러봅니다", "달립니다"],
  where: ["강가에서", "다리 밑에서", "항구 옆에서", "언덕 위에서", "방앗간 뒤에서", "부엌에서"],
  toward: ["바다", "숲", "시장", "마을", "집", "산", "학교"],
  when: ["아침에", "한낮에", "비 오기 전에", "저녁을 먹고", "저녁마다", "일요일에"],
  because: ["바람이 차서", "길이 멀어서", "밤이 맑아서", "빵이 따뜻해서", "물이 빠져서"],
};

/** Which sound a Hangul syllable ends with: 0 none, 8 ㄹ, others another consonant (Unicode, chapter 3.12). */
const finalSound = (word: string): number => ((word.codePointAt(word.length - 1)! - 0xac00) % 28) as number;
const topic = (word: string) => word + (finalSound(word) === 0 ? "는" : "은");
const subject = (word: string) => word + (finalSound(word) === 0 ? "가" : "이");
const object = (word: string) => word + (finalSound(word) === 0 ? "를" : "을");
const toward = (word: string) => word + (finalSound(word) === 0 || finalSound(word) === 8 ? "로" : "으로");

function englishSentence(dice: Dice): string {
  const g = english;
  const subjectOf = () => dice.pick(dice.roll(3) === 0 ? g.animal : g.who);
  const forms = [
    () => `${subjectOf()} ${dice.pick(g.does)} ${dice.pick(g.thing)} ${dice.pick(g.where)}`,
    () => `${dice.pick(g.when)}, ${subjectOf()} ${dice.pick(g.moves)} ${dice.pick(g.where)}`,
    () => `${dice.pick(g.animal)} ${dice.pick(g.moves)} because ${dice.pick(g.because)}`,
    () => `${subjectOf()} ${dice.pick(g.does)} ${dice.pick(g.thing)}, and ${subjectOf()} ${dice.pick(g.moves)}`,
  ];
  const sentence = dice.pick(forms)();
  return `${sentence[0]!.toUpperCase()}${sentence.slice(1)}.`;
}

function koreanSentence(dice: Dice): string {
  const g = korean;
  const who = () => dice.pick(dice.roll(3) === 0 ? g.animal : g.who);
  const forms = [
    () => `${topic(who())} ${dice.pick(g.where)} ${object(dice.pick(g.thing))} ${dice.pick(g.does)}`,
    () => `${dice.pick(g.when)} ${subject(who())} ${toward(dice.pick(g.toward))} 갑니다`,
    () => `${dice.pick(g.because)} ${topic(dice.pick(g.animal))} ${dice.pick(g.moves)}`,
    () => `${topic(who())} ${dice.pick(g.when)} ${dice.pick(g.where)} ${dice.pick(g.moves)}`,
  ];
  return `${dice.pick(forms)()}.`;
}

/** About `length` characters of sentences, a paragraph to a line. */
export function makeText(which: "english" | "korean" | "both", length: number): string {
  const dice = new Dice(20);
  const lines: string[] = [];
  for (let size = 0; size < length; ) {
    const sentence =
      which === "korean" || (which === "both" && lines.length % 2 === 1) ? koreanSentence : englishSentence;
    const line = Array.from({ length: 2 + dice.roll(2) }, () => sentence(dice)).join(" ");
    lines.push(line);
    size += line.length + 1;
  }
  return `${lines.join("\n")}\n`;
}
