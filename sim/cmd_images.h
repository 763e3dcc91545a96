/* Sets of simulated images: `tipwright sim --images N`. */
#ifndef SIM_CMD_IMAGES_H
#define SIM_CMD_IMAGES_H

#include <stdbool.h>

/* Whether this command line asks for images instead of a microscope. */
bool cmd_images_wanted(int argc, char **argv);

/* As a sub-command: an enum command_exit. */
int cmd_images(int argc, char **argv);

#endif
