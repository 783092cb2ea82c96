/** Made-up messages, as one writes them to friends and colleagues. */
import { madeUp } from "../../shell/made-up.ts";

const templates = {
  en: [
    "I will be {there|home|late} {in ten minutes|in an hour|after lunch|before six}.",
    "I {have|have just} {found|lost} my {keys|umbrella|phone|ticket} {at the station|in the library|on the bus}.",
    "I am {so sorry|sorry}, but I {cannot come|have no time|have to work} {today|tomorrow|this evening|on Friday}.",
    "Could you {send me|show me|bring me} the {report|photos|key|address} {today|tomorrow|before the meeting}?",
    "Could you please {call me|write to me|wait for me} {after the meeting|at noon|this evening}?",
    "Thank you {so much|very much|} for {your help|your letter|the flowers|the lovely dinner}.",
    "The {bus|train} is {late|full} again, so I {will be late|have to walk|am still at the station}.",
    "Let us meet {at the station|in the library|at the museum} {tomorrow|on Friday|at noon}.",
    "Would you like to {have lunch|watch a film|go for a walk|drink a coffee} with {me|us} {tomorrow|on Friday|this evening}?",
    "Please {call me|write to me} when you {arrive|get home|have time}.",
    "Happy birthday, and {all the best|have a lovely day}!",
    "The weather {was|is} lovely {today|this week}, so we {went for a walk|had lunch in the park}.",
    "The weather {was|is} terrible {today|this week}, so we {stayed at home|watched a film}.",
    "How was {your day|your holiday|the meeting}?",
    "See you {tomorrow|on Friday|this evening|at the station}!",
  ],
  ko: [
    "{지금|곧|십 분 뒤에|점심 먹고} {출발할게요|도착해요|전화할게요}.",
    "{내일|금요일에|저녁에|열두 시에} {역 앞에서|도서관에서|박물관에서} {만날까요?|기다릴게요.|봐요.}",
    "{보고서를|사진을|주소를} {오늘|내일|회의 전에} {보내|보여} {주세요.|주실 수 있어요?}",
    "{도와주셔서|초대해 주셔서|연락해 주셔서|기다려 주셔서} {정말|늘|} 감사합니다.",
    "{버스가|기차가} {늦게 와서|꽉 차서} {조금|십 분쯤} {늦을 것 같아요|걸어서 갈게요}.",
    "{오늘은|이번 주는} 날씨가 좋아서 {공원을 걸었어요|밖에서 점심을 먹었어요}.",
    "{오늘은|이번 주는} 날씨가 나빠서 {집에만 있었어요|집에서 영화를 봤어요}.",
    "{죄송하지만|미안하지만} {오늘은|내일은|이번 주에는} {시간이 없어요|갈 수 없어요|회의가 있어요}.",
    "집에 {도착하면|들어가면} {전화해|연락해|문자해} 주세요.",
    "생일 축하해요, {좋은 하루 보내세요|늘 건강하세요}!",
    "{내일|금요일에|저녁에} {같이|다 같이} {점심을 먹을까요|영화를 볼까요|공원을 걸을까요|커피를 마실까요}?",
    "{열쇠를|우산을|전화기를|표를} {역에서|도서관에서|버스에서} {찾았어요|잃어버렸어요}.",
    "{회의는|여행은|하루는} 어땠어요?",
  ],
};

export const sentences = (language: "en" | "ko", seed: number): string[] =>
  madeUp(templates[language], { count: 900, seed });
