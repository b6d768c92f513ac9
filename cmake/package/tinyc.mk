# Models as C in a Makefile:
#
#   include <prefix>/share/tinyc/tinyc.mk
#   $(eval $(call tinyc_model,NAME,MODEL,FLAGS))
#
# makes $(TINYC_OUT)/NAME.c and NAME.h of MODEL, by `tinyc compress MODEL FLAGS --emit c`, again whenever the model, its
# external data, the calibration data or the recipe changes. Objects that include NAME.h depend on it:
# main.o: $(TINYC_OUT)/NAME.h
TINYC ?= tinyc
TINYC_OUT ?= tinyc

define tinyc_model
$(TINYC_OUT)/$(1).c: $(2)
	$(TINYC) compress $(2) $(3) --emit c --name $(1) -o $(TINYC_OUT) --depfile $(TINYC_OUT)/$(1).d
$(TINYC_OUT)/$(1).h $(TINYC_OUT)/$(1)_test.c: $(TINYC_OUT)/$(1).c ;
-include $(TINYC_OUT)/$(1).d
endef
