"""A sentence in each of some languages."""

SENTENCES = {
    "en": "The quick brown fox jumps over the lazy dog",
    "de": "Der schnelle braune Fuchs springt über den faulen Hund",
    "fr": "Le renard brun saute par-dessus le chien paresseux",
    "ru": "Быстрая коричневая лиса прыгает через ленивую собаку",
    "ja": "素早い茶色の狐がのろまな犬を飛び越える",
    "th": "สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ",
    "ar": "الثعلب البني السريع يقفز فوق الكلب الكسول",
    "hi": "तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है",
    "ko": "빠른 갈색 여우가 게으른 개를 뛰어넘는다",
    "zh": "我喜欢在公园里散步，天气很好",
}
