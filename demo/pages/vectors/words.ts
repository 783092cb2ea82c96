/** What the page says. */
import { words } from "../../shell/language.ts";

export const text = words({
  map: ["Words as points", "점으로 본 단어"],
  mapHint: [
    "The two numbers of each word, while the network learns. Colours and shapes say what a word is; the network is not told.",
    "학습하는 동안 단어마다 가진 두 수입니다. 색과 모양은 단어의 종류를 나타내며, 신경망에는 알려 주지 않습니다.",
  ],
  kinds: ["Kinds of words", "단어의 종류"],
  people: ["people", "사람"],
  animals: ["animals", "동물"],
  foods: ["foods", "음식"],
  drinks: ["drinks", "음료"],
  eating: ["eating", "먹는 일"],
  drinking: ["drinking", "마시는 일"],
  moving: ["moving", "움직임"],
  places: ["places", "곳"],
  neighbours: ["Nearest words: {words}", "가장 가까운 단어: {words}"],
  prices: ["Prices of a market: categories beside numbers", "시장 가격: 수와 함께 쓰는 범주"],
  pricesHint: [
    "Made-up days that the networks did not learn from. Each says a price from the days before and tomorrow’s temperature; one also knows weekday and weather.",
    "학습에 쓰지 않은, 지어낸 날들입니다. 두 신경망 모두 지난 가격과 내일 기온으로 내일 가격을 예측하며, 한쪽은 요일과 날씨도 압니다.",
  ],
  day: ["Day", "날"],
  price: ["price", "실제 가격"],
  joined: ["with categories", "범주도 쓰는 신경망"],
  plain: ["numbers alone", "수만 쓰는 신경망"],
  inputs: ["What the network reads for a day", "하루치 입력"],
  inputsHint: [
    "Numbers are scaled, categories become vectors of two numbers, and all are joined to one vector of six.",
    "수는 척도를 맞추고 범주는 두 수의 벡터로 바꾼 뒤, 모두 이어 붙여 여섯 수의 벡터로 만듭니다.",
  ],
  chosenDay: ["Day {day}: {weekday}, {weather}", "{day}일째: {weekday}, {weather}"],
  truth: ["price {price}", "실제 가격 {price}"],
  saidJoined: ["with categories {price}", "범주도 쓰면 {price}"],
  saidPlain: ["numbers alone {price}", "수만 쓰면 {price}"],
  todayPrice: ["price", "가격"],
  temperature: ["temperature", "기온"],
  weekday: ["weekday", "요일"],
  weather: ["weather", "날씨"],
  categories: ["Weekdays and weather as points", "점으로 본 요일과 날씨"],
  categoriesHint: [
    "Categories that change the price alike come close to one another: the weekend leaves the other days, and snow goes far from sun.",
    "가격에 비슷한 영향을 주는 범주끼리 가까워집니다. 주말은 평일에서, 눈은 맑은 날에서 멀어집니다.",
  ],
  days: ["Mon Tue Wed Thu Fri Sat Sun", "월 화 수 목 금 토 일"],
  weathers: ["sun cloud rain snow", "맑음 흐림 비 눈"],
  loss: ["Loss of the next word", "다음 단어의 손실"],
  lossShort: ["loss", "손실"],
  errors: ["Mean error of the price", "가격의 평균 오차"],
  waiting: ["The first vectors come in a moment.", "곧 첫 벡터가 나타납니다."],
});

export const explanation = [
  "A network calculates with numbers, and a word is none. One-hot writes it as a long vector with a single 1: all words are equally far apart. An embedding gives each word a short vector and learns it like any weight. The one-hot vector times the matrix of all vectors is just the vector of that word, so one simply looks it up.\nHere a network predicts the next word of made-up sentences. Words that stand in the same places get similar vectors. Any category can be treated so: for the price, vectors of weekday and weather are joined with numbers that are scaled.",
  "신경망은 수로 계산하는데 단어는 수가 아닙니다. 원-핫은 단어를 한 자리만 1인 긴 벡터로 적으며, 모든 단어가 서로 똑같이 떨어져 있습니다. 임베딩은 단어마다 짧은 벡터를 주고 가중치처럼 학습합니다. 원-핫 벡터에 이 벡터들의 행렬을 곱하면 그 단어의 벡터가 그대로 나오므로, 실제로는 곱하지 않고 꺼내 씁니다.\n여기서는 지어낸 문장의 다음 단어를 예측합니다. 같은 자리에 쓰이는 단어들은 벡터가 비슷해집니다. 다른 범주도 마찬가지여서, 가격을 예측할 때는 요일과 날씨의 벡터를 척도를 맞춘 수와 이어 붙입니다.",
] as const;
