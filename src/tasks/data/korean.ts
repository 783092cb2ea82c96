/** True where the last syllable of a word ends with a consonant. */
function endsWithConsonant(word: string): boolean {
  return (word.charCodeAt(word.length - 1) - 0xac00) % 28 !== 0;
}

/** A word with its particle: the first form stands after a consonant, the second after a vowel: `은/는`, `이/가`, `을/를`. */
export function withParticle(word: string, particle: "은/는" | "이/가" | "을/를"): string {
  const [afterConsonant, afterVowel] = particle.split("/");
  return word + (endsWithConsonant(word) ? afterConsonant : afterVowel);
}
