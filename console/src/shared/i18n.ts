import { i18n } from '@lingui/core';
import { store } from './store';
import { kept } from './stored';

export type Language = 'en' | 'zh-Hans';

export const languages: { id: Language; name: string }[] = [
  { id: 'en', name: 'English' },
  { id: 'zh-Hans', name: '简体中文' },
];

// languageOf is the nearest of ours to what somebody asks for: every kind of Chinese is nearer to
// ours than English is.
export const languageOf = (wanted: readonly (string | null | undefined)[]): Language => {
  for (const tag of wanted) {
    if (tag && /^zh\b/i.test(tag)) return 'zh-Hans';
    if (tag && /^en\b/i.test(tag)) return 'en';
  }
  return 'en';
};

export const language = store<Language>('en');

const catalogs = {
  en: () => import('../../locales/en.po'),
  'zh-Hans': () => import('../../locales/zh-Hans.po'),
};

export const speak = async (to: Language) => {
  const { messages } = await catalogs[to]();
  i18n.loadAndActivate({ locale: to, messages });
  document.documentElement.lang = to;
  kept.set('language', to);
  language.set(to);
};

// hear takes the language of the last visit, else the browser's.
export const hear = () => speak(languageOf([kept.get('language'), ...navigator.languages]));
