import { lexer, type Token, type Tokens } from 'marked';
import { Fragment, type ReactNode } from 'react';

// Links lead to web pages and mails, and nowhere else.
const safe = (href: string) => (/^(https?:|mailto:|\/(?!\/))/i.test(href) ? href : undefined);

const inside = (tokens: Token[] | undefined): ReactNode =>
  // biome-ignore lint/suspicious/noArrayIndexKey: the text does not change
  tokens?.map((token, i) => <Fragment key={i}>{element(token)}</Fragment>);

const element = (token: Token): ReactNode => {
  switch (token.type) {
    case 'heading': {
      const Heading = `h${Math.min(6, (token as Tokens.Heading).depth + 1)}` as 'h2';
      return <Heading>{inside(token.tokens)}</Heading>;
    }
    case 'paragraph':
      return <p>{inside(token.tokens)}</p>;
    case 'list': {
      const List = (token as Tokens.List).ordered ? 'ol' : 'ul';
      return (
        <List>
          {(token as Tokens.List).items.map((item, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the text does not change
            <li key={i}>{inside(item.tokens)}</li>
          ))}
        </List>
      );
    }
    case 'blockquote':
      return <blockquote>{inside(token.tokens)}</blockquote>;
    case 'strong':
      return <strong>{inside(token.tokens)}</strong>;
    case 'em':
      return <em>{inside(token.tokens)}</em>;
    case 'link':
      return (
        <a href={safe((token as Tokens.Link).href)} rel="noreferrer">
          {inside(token.tokens)}
        </a>
      );
    case 'code':
      return (
        <pre>
          <code>{token.text}</code>
        </pre>
      );
    case 'codespan':
      return <code>{token.text}</code>;
    case 'hr':
      return <hr />;
    case 'br':
      return <br />;
    case 'space':
    case 'def':
      return null;
    case 'text':
      return token.tokens ? inside(token.tokens) : token.text;
    default:
      return token.raw; // HTML, too, is text
  }
};

export const Markdown = ({ text }: { text: string }) => <>{inside(lexer(text))}</>;
