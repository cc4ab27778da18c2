import { Anchor, Button, type ButtonProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { ComponentPropsWithoutRef, Ref } from 'react';

// Links that the router follows, looking like Mantine's.
export const Go = createLink(({ ref, ...props }: ComponentPropsWithoutRef<'a'> & { ref?: Ref<HTMLAnchorElement> }) => (
  <Anchor size="sm" {...props} ref={ref} />
));

export const GoButton = createLink(
  ({
    ref,
    ...props
  }: ButtonProps & Omit<ComponentPropsWithoutRef<'a'>, keyof ButtonProps> & { ref?: Ref<HTMLAnchorElement> }) => (
    <Button component="a" {...props} ref={ref} />
  ),
);
