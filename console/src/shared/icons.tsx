// Signs in one size and one stroke. They are decoration: what they stand for is said in words.
const paths = {
  home: 'M4 11 12 4l8 7M6 10v9h12v-9M10 19v-5h4v5',
  check: 'm5 12 5 5L20 7',
  list: 'M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01',
  send: 'm4 12 16-8-6 16-3-7zM11 13l9-9',
  people: 'M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM3 19c0-3 3-5 6-5s6 2 6 5M16 5a3 3 0 0 1 0 6M17 14c2 .5 4 2 4 5',
  template: 'M5 4h14v10H10l-5 5zM9 8h6M9 11h4',
  code: 'm8 8-4 4 4 4m8-8 4 4-4 4M13.5 6l-3 12',
  menu: 'M4 7h16M4 12h16M4 17h16',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4',
  moon: 'M20 14A8 8 0 0 1 10 4a8 8 0 1 0 10 10z',
  language: 'M4 6h9M8.500 4v2c0 4-2 7-5 8M6 9c0 2 3 4 6 5M12 20l4.500-10L21 20M13.500 17h6',
  out: 'M14 8V5H5v14h9v-3M10 12h11m-3-3 3 3-3 3',
  chevron: 'm7 10 5 5 5-5',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  alert: 'M12 4 3 19h18zM12 10v4M12 16.500h.01',
  plus: 'M12 5v14M5 12h14',
  phone: 'M8 3h8v18H8zM11 18h2',
  shield: 'M12 3 5 6v5c0 5 3 8 7 10 4-2 7-5 7-10V6z',
  link: 'M10 14a4 4 0 0 0 6 .500l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.500l-3 3a4 4 0 0 0 6 6l1-1',
  call: 'M6 4h3l2 5-2 1a11 11 0 0 0 5 5l1-2 5 2v3c0 1-1 2-2 2C11 20 4 13 4 6c0-1 1-2 2-2z',
  reply: 'm9 7-5 5 5 5M4 12h10c4 0 6 2 6 6',
  picture: 'M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 5M15 9h.01',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5',
  up: 'M12 19V5M6 11l6-6 6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  upload: 'M12 20V9M7 13l5-5 5 5M5 4h14',
  filter: 'M4 5h16l-6 8v6l-4-2v-4z',
  chart: 'M5 20V10M12 20V4M19 20v-7',
  book: 'M5 4h6a2 2 0 0 1 2 2v14a2 2 0 0 0-2-2H5zM19 4h-4a2 2 0 0 0-2 2',
};

export type IconName = keyof typeof paths;

export const Icon = ({ name, size = 18 }: { name: IconName; size?: number }) => (
  <svg
    width={size}
    height={size}
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    strokeWidth={1.7}
    strokeLinecap="round"
    strokeLinejoin="round"
    aria-hidden="true"
    focusable="false"
  >
    <path d={paths[name]} />
  </svg>
);
